import { subtract } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { copiesOf } from "../holdings.js";
import type { Plan, TakeoverStep } from "../types.js";
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

type Ready = Map<string, Segment[]>;

function heldBefore(plan: Plan): Ready {
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
  if (known) known.push(...segments);
  else ready.set(key, [...segments]);
}

function missing(ready: Ready, { id, keyspace, node, segments }: TakeoverStep) {
  return NEEDED.flatMap(([what, text]) =>
    subtract(segments, ready.get(`${what} ${keyspace} ${node}`) ?? []).length > 0
      ? [{ message: `${node} takes over but ${text} before`, step: id }]
      : [],
  );
}
