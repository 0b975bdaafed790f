import type { ShardPlan, ShardStage, ShardStep } from "../types.js";

/** Something about a plan that must not be. */
export interface Finding {
  readonly rule: string;
  readonly message: string;
  /** Id of the step, where the finding is about one. */
  readonly step: string | null;
}

/** One rule: what it found, without its own name. */
export interface Check {
  readonly rule: string;
  readonly find: (plan: ShardPlan) => readonly Omit<Finding, "rule">[];
}

export interface Placed {
  readonly stage: ShardStage;
  readonly step: ShardStep;
}

/** Every step in the order in which it runs. */
export function placedSteps(plan: ShardPlan): Placed[] {
  return plan.stages.flatMap((stage) => stage.waves.flat().map((step) => ({ stage, step })));
}

export function stepsOfKind<K extends ShardStep["kind"]>(
  plan: ShardPlan,
  kind: K,
): Extract<ShardStep, { kind: K }>[] {
  return placedSteps(plan)
    .map(({ step }) => step)
    .filter((step): step is Extract<ShardStep, { kind: K }> => step.kind === kind);
}
