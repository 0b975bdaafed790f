import type { ShardPlan, ShardStage, ShardStep } from "./types.js";
import type { RegionPlan } from "./region/types.js";
import type { UserPlan, UserStage, UserStep } from "./users/types.js";

/** A plan that moves data, one that moves users, and one that does both: one executor runs them all. */
export type Plan = ShardPlan | UserPlan | RegionPlan;
export type Stage = ShardStage | UserStage;
export type Step = ShardStep | UserStep;
export type StepKind = Step["kind"];

const OF_USERS: Readonly<Record<UserStep["kind"], true>> = {
  reach: true,
  policy: true,
  relogin: true,
  recall: true,
  disconnect: true,
  empty: true,
  receivers: true,
  ramp: true,
};

/** The plan, or its half, that moves data; null where it has none. */
export function shardsOf(plan: Plan): ShardPlan | null {
  if (plan.kind === "users") return null;
  return plan.kind === "region" ? plan.shards : plan;
}

/** The plan, or its half, that moves users; null where it has none. */
export function usersOf(plan: Plan): UserPlan | null {
  if (plan.kind === "shards") return null;
  return plan.kind === "region" ? plan.users : plan;
}

export function isUserStep(step: Step): step is UserStep {
  return Object.hasOwn(OF_USERS, step.kind);
}

export function stepsOf(plan: Plan): Step[] {
  const stages: readonly Stage[] = plan.stages;
  return stages.flatMap(({ waves }) => waves.flat());
}
