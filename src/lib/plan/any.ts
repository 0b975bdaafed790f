import type { Plan, Stage, Step } from "./types.js";
import type { UserPlan, UserStage, UserStep } from "./users/types.js";

/** A plan of either family: one executor runs both. */
export type AnyPlan = Plan | UserPlan;
export type AnyStage = Stage | UserStage;
export type AnyStep = Step | UserStep;
export type AnyStepKind = AnyStep["kind"];

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

export function isUserStep(step: AnyStep): step is UserStep {
  return Object.hasOwn(OF_USERS, step.kind);
}

export function stepsOf(plan: AnyPlan): AnyStep[] {
  const stages: readonly AnyStage[] = plan.stages;
  return stages.flatMap(({ waves }) => waves.flat());
}
