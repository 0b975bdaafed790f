import type { ShardPlan, ShardStep } from "../types.js";
import { applyStep } from "./apply.js";
import { assertInvariants } from "./invariants.js";
import { modelOf, ModelBreach, type Model } from "./state.js";
import { undoStep } from "./undo.js";

/** A step that ran, and the cluster before it. */
export interface Done {
  readonly step: ShardStep;
  readonly was: Model;
}

export interface Ran {
  readonly model: Model;
  readonly done: readonly Done[];
}

/**
 * Runs a plan from its `before` on the model, to its end or for the first `limit` steps. The invariants are checked after every
 * wave; within one, steps run at once and their order means nothing. Throws ModelBreach, with the step's id.
 */
export function runPlan(plan: ShardPlan, limit = Infinity): Ran {
  let model = modelOf(plan.keyspaces, "before");
  const done: Done[] = [];
  for (const wave of plan.stages.flatMap((stage) => stage.waves)) {
    for (const step of wave) {
      if (done.length >= limit) return { model, done };
      done.push({ step, was: model });
      model = named(step, () => applyStep(model, step));
    }
    if (wave.some(changesCluster)) named(wave.at(-1)!, () => assertInvariants(model));
  }
  return { model, done };
}

/** Takes back all that ran, last step first. Throws ModelBreach, with the step's id. */
export function undoRun({ model, done }: Ran): Model {
  return done
    .toReversed()
    .reduce((now, { step, was }) => named(step, () => undoStep(now, step, was)), model);
}

/** The other steps only look, or wait: what held before them holds after them. */
export function changesCluster({ kind }: ShardStep): boolean {
  return !["preflight", "sync", "verify", "gate", "soak"].includes(kind);
}

/** Throws what the work throws; a ModelBreach with the step's id. */
export function named<T>(step: ShardStep, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ModelBreach)
      throw new ModelBreach(`step ${step.id} (${step.kind}): ${error.message}`);
    throw error;
  }
}
