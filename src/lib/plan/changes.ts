import { EXIT, OpsError } from "../errors.js";
import { difference, type SegmentMap } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { formatSegment } from "../keyspace/wire.js";
import type { Keyspace } from "../topology/types.js";
import { copiesOf, sameOwner, type Owner } from "./holdings.js";
import { compareText } from "./order.js";
import type { ObservedKeyspace } from "./observed.js";

/** A segment whose holders are not the same before and after, as large as can be. */
export interface Change {
  readonly keyspace: string;
  readonly segment: Segment;
  /** Null for a segment of a keyspace that is to be created. */
  readonly before: Owner | null;
  readonly after: Owner;
  /** Nodes that get a copy, sorted; without the first primary of a new keyspace. */
  readonly added: readonly string[];
  /** Nodes that lose theirs, sorted. */
  readonly removed: readonly string[];
}

/** A change in which the writes go to another node. */
export type Move = Change & { readonly before: Owner };

export function isMove(change: Change): change is Move {
  return change.before !== null && change.before.primary !== change.after.primary;
}

/** The changes of one keyspace, sorted by position. */
export function changesOf(
  keyspace: string,
  before: SegmentMap<Owner>,
  after: SegmentMap<Owner>,
): Change[] {
  return difference(before, after, sameOwner).map(({ lo, hi, value }) => {
    if (!value.after)
      throw new RangeError(`${keyspace} ${formatSegment({ lo, hi })} has no owner in the topology`);
    const had = value.before ? copiesOf(value.before) : [value.after.primary];
    const has = copiesOf(value.after);
    return {
      keyspace,
      segment: { lo, hi },
      before: value.before,
      after: value.after,
      added: has.filter((node) => !had.includes(node)).toSorted(compareText),
      removed: had.filter((node) => !has.includes(node)).toSorted(compareText),
    };
  });
}

/** Whether positions would mean something else: asked first, because nothing can be compared then. Null when they do not. */
export function otherSharding(desired: Keyspace, observed: ObservedKeyspace): string | null {
  if (
    observed.sharding === null ||
    observed.sharding === desired.sharding ||
    observed.entries.length === 0
  )
    return null;
  return `keyspace ${desired.id}: sharding changes from ${observed.sharding} to ${desired.sharding}`;
}

/** What the planner cannot do yet about a keyspace that holds data, one line each. Comes before `changesOf`. */
export function unsupportedIn(
  desired: Keyspace,
  before: SegmentMap<Owner>,
  after: SegmentMap<Owner>,
): string[] {
  if (before.length === 0) return [];
  const where = `keyspace ${desired.id}`;
  const problems: string[] = [];
  for (const { lo, hi, value } of difference(before, after, sameOwner)) {
    const part = `${where}, ${formatSegment({ lo, hi })}`;
    if (!value.after) {
      problems.push(`${part}: the domain becomes smaller`);
    } else if (value.before && value.before.shard !== value.after.shard) {
      const change = `goes from shard ${value.before.shard} to shard ${value.after.shard}`;
      if (desired.sharding === "consistent-hash")
        problems.push(`${part} ${change}: a change of the hash ring`);
      else if (value.before.primary === value.after.primary) {
        problems.push(`${part} ${change}, which have the same primary ${value.after.primary}`);
      }
    }
  }
  return problems;
}

export function unsupported(problems: readonly string[]): OpsError {
  const shown = problems
    .slice(0, 10)
    .map((problem) => `\n  ${problem}`)
    .join("");
  const more = problems.length > 10 ? `\n  and ${problems.length - 10} more` : "";
  return new OpsError(
    "plan/unsupported",
    EXIT.refused,
    `The topology asks for changes that are not supported yet:${shown}${more}`,
    {
      hint:
        "Supported now: new keyspaces, moving range-sharded segments between shards, another primary for a shard, " +
        "more or fewer replicas. Leave the rest as it is and plan again.",
      details: problems,
    },
  );
}
