import { difference, type SegmentMap } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { copiesOf, sameOwner, type Owner } from "./holdings.js";
import { compareText } from "./order.js";

/** More go to another step, which keeps requests and the steps of a journal of a size that can be handled. */
const MOST_SEGMENTS = 1_000;

/** Segments whose holders are the same before, and the same after, but not the same before and after. */
export interface Change {
  readonly keyspace: string;
  /** Sorted, as large as can be, at least one. */
  readonly segments: readonly Segment[];
  /** Null for what is to be created. */
  readonly before: Owner | null;
  /** Null for what nobody is to hold any more. */
  readonly after: Owner | null;
  /** Nodes that get a copy while others have one, sorted. */
  readonly added: readonly string[];
  /** Nodes that lose theirs while others keep one, sorted. */
  readonly removed: readonly string[];
}

export type Created = Change & { readonly before: null; readonly after: Owner };
export type Discarded = Change & { readonly before: Owner; readonly after: null };
/** What somebody holds before and after. */
export type Kept = Change & { readonly before: Owner; readonly after: Owner };

export function isCreated(change: Change): change is Created {
  return change.before === null;
}

export function isDiscarded(change: Change): change is Discarded {
  return change.after === null;
}

export function isKept(change: Change): change is Kept {
  return change.before !== null && change.after !== null;
}

/** The writes go to another node. */
export function isMove(change: Change): change is Kept {
  return isKept(change) && change.before.primary !== change.after.primary;
}

/** The shard is another one although the writes stay where they are. */
export function isRelabelled(change: Change): change is Kept {
  if (!isKept(change)) return false;
  const { before, after } = change;
  return before.primary === after.primary && before.shard !== after.shard;
}

/** The changes of one keyspace, by the position of their first segment. */
export function changesOf(
  keyspace: string,
  before: SegmentMap<Owner>,
  after: SegmentMap<Owner>,
): Change[] {
  const groups = new Map<
    string,
    { segments: Segment[]; before: Owner | null; after: Owner | null }
  >();
  for (const { lo, hi, value } of difference(before, after, sameOwner)) {
    const key = JSON.stringify([value.before, value.after]);
    const group = groups.get(key);
    if (group) group.segments.push({ lo, hi });
    else groups.set(key, { segments: [{ lo, hi }], ...value });
  }
  return [...groups.values()].flatMap((group) => {
    const had = group.before ? copiesOf(group.before) : copiesOf(group.after!).slice(0, 1);
    const has = group.after ? copiesOf(group.after) : had;
    return inParts(group.segments).map((segments): Change => ({
      keyspace,
      segments,
      before: group.before,
      after: group.after,
      added: has.filter((node) => !had.includes(node)).toSorted(compareText),
      removed: had.filter((node) => !has.includes(node)).toSorted(compareText),
    }));
  });
}

/** As many at a time as one step, or one operation, is about. */
export function inParts<S extends Segment>(segments: readonly S[]): S[][] {
  const count = Math.ceil(segments.length / MOST_SEGMENTS);
  return Array.from({ length: count }, (_, i) =>
    segments.slice(i * MOST_SEGMENTS, (i + 1) * MOST_SEGMENTS),
  );
}
