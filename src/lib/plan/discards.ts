import { plural } from "../figures.js";
import { without } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { formatSegment } from "../keyspace/wire.js";
import type { ShardPlan } from "./types.js";

/** Data of a keyspace that nobody is to hold after a plan: deleted only by a finalize that was told so by name. */
export interface Discard {
  readonly keyspace: string;
  /** All of it: the keyspace is removed. Otherwise only what lies outside of its new domain. */
  readonly whole: boolean;
  readonly segments: readonly Segment[];
  readonly nodes: readonly string[];
}

/** What finalizing a plan deletes for good, by keyspace. */
export function discardsOf(plan: ShardPlan): Discard[] {
  const steps = plan.stages
    .flatMap(({ waves }) => waves.flat())
    .filter((step) => step.kind === "discard");
  return plan.keyspaces.flatMap(({ id, before, after, domain }): Discard[] => {
    const mine = steps.filter(({ keyspace }) => keyspace === id);
    if (mine.length === 0) return [];
    const nodes = [...new Set(mine.map(({ node }) => node))].toSorted();
    const gone = without(
      before.map(({ lo, hi }) => ({ lo, hi, value: null })),
      after,
    ).map(({ lo, hi }) => ({ lo, hi }));
    return [{ keyspace: id, whole: domain.after === null, segments: gone, nodes }];
  });
}

/** `all of old, on sh-1, sz-1` */
export function discardText({ keyspace, whole, segments, nodes }: Discard): string {
  const [first, ...others] = segments;
  const more = others.length === 0 ? "" : ` and ${plural(others.length, "more segment")}`;
  const what =
    whole || first === undefined
      ? `all of ${keyspace}`
      : `${keyspace} ${formatSegment(first)}${more}`;
  return `${what} deleted for good on ${nodes.join(", ")}`;
}

/** The option with which a finalize is told so. */
export function flagOf({ keyspace, whole }: Discard): string {
  return `--${whole ? "drop-keyspace" : "drop-outside"} ${keyspace}`;
}
