import { gaps, touching, union } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { copiesOf } from "../holdings.js";
import type { ShardPlan, TakeoverStep } from "../types.js";
import { placedSteps, type Check } from "./finding.js";

const NEEDED = [
  ["copy", "has no copy"],
  ["sync", "was not synced"],
  ["verify", "was not verified"],
] as const;

type Needed = (typeof NEEDED)[number][0];

/** Before a node takes over it has a copy (made by the plan, or held before) and was synced and verified. */
export const takeoversPrepared: Check = {
  rule: "takeovers-prepared",
  find(plan) {
    const ready = heldBefore(plan);
    return placedSteps(plan).flatMap(({ step }) => {
      if (step.kind === "link") note(ready, "copy", step.keyspace, step.node, step.segments);
      if (step.kind === "sync" || step.kind === "verify")
        note(ready, step.kind, step.keyspace, step.node, step.segments);
      return step.kind === "takeover" ? missing(ready, step) : [];
    });
  },
};

/** By what, keyspace and node. Nearly always all is noted before anything is asked. */
type Ready = Map<string, { noted: Segment[]; isMerged: boolean }>;

function heldBefore(plan: ShardPlan): Ready {
  const ready: Ready = new Map();
  for (const { id, before } of plan.keyspaces) {
    for (const holding of before)
      for (const node of copiesOf(holding)) note(ready, "copy", id, node, [holding]);
  }
  return ready;
}

function note(
  ready: Ready,
  what: Needed,
  keyspace: string,
  node: string,
  segments: readonly Segment[],
): void {
  const key = `${what} ${keyspace} ${node}`;
  const known = ready.get(key);
  if (known === undefined) ready.set(key, { noted: [...segments], isMerged: false });
  else {
    for (const segment of segments) known.noted.push(segment);
    known.isMerged = false;
  }
}

/** Sorted, without overlaps. */
function notedOf(ready: Ready, key: string): readonly Segment[] {
  const known = ready.get(key);
  if (known === undefined) return [];
  if (!known.isMerged) {
    known.noted = union(known.noted);
    known.isMerged = true;
  }
  return known.noted;
}

function missing(ready: Ready, { id, keyspace, node, segments }: TakeoverStep) {
  return NEEDED.flatMap(([what, text]) => {
    const noted = notedOf(ready, `${what} ${keyspace} ${node}`);
    return segments.some((segment) => gaps(touching(noted, segment), segment).length > 0)
      ? [{ message: `${node} takes over but ${text} before`, step: id }]
      : [];
  });
}
