import type { ShardStageKind, ShardStepKind } from "../types.js";
import { placedSteps, type Check } from "./finding.js";

const ALLOWED: Readonly<Record<ShardStageKind, readonly ShardStepKind[]>> = {
  preflight: ["preflight"],
  adopt: ["adopt"],
  create: ["init"],
  attach: ["link", "sync"],
  sync: ["repoint", "sync"],
  verify: ["verify"],
  "promote-reads": ["domain", "readers", "gate"],
  "promote-writes": ["relabel", "takeover", "repoint", "domain"],
  settings: ["settings"],
  soak: ["soak"],
  retire: ["drop", "discard"],
};

/** A stage does only what its name says; above all, nothing is dropped before `retire`. */
export const stageSteps: Check = {
  rule: "stage-steps",
  find: (plan) =>
    placedSteps(plan)
      .filter(({ stage, step }) => !ALLOWED[stage.kind].includes(step.kind))
      .map(({ stage, step }) => ({
        message: `a ${step.kind} step does not belong into stage ${stage.id}`,
        step: step.id,
      })),
};
