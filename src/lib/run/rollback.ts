import { sayStep, sayUndo } from "../plan/say.js";
import type { Step } from "../plan/any.js";
import { pushEpochs } from "./admit.js";
import { agendaBack, countLeft } from "./agenda.js";
import { tellMissing } from "./apply.js";
import { type RunContext, contextFor, stageOf, statusOf, stopAtBoundary } from "./context.js";
import { inParallel, isUnderWay, stopRun } from "./execute.js";
import { StepFailure } from "./failure.js";
import { settle } from "./operation.js";
import { type RunEnvironment, planOf, takenBy, withRun } from "./session.js";
import { handlerOf } from "./steps/registry.js";
import { assertReversible, assertUnused, assertWhole, wayBack } from "./way-back.js";

export interface RollbackOptions {
  /** The stage after which the run then stands, by id or kind; null for the beginning. */
  readonly to: string | null;
}

/**
 * Undoes what a run did, last first, from its journal: after any prefix of it, also from an unknown state. Takes up a rollback
 * that was interrupted. Only the agents that hold what is undone are needed.
 * @throws OpsError (exit 3) `no-way-back` for a run that was finalized or built upon, `stage-undone` and `stage-not-done` where it
 * cannot stand at the stage, `in-use` where it would delete what was written to a new keyspace; others when it stops part-way
 */
export async function rollbackRun(
  env: RunEnvironment,
  run: string,
  options: RollbackOptions,
): Promise<void> {
  const to = await wayBack(env.store, run, options.to);
  if (to === undefined) return;
  const plan = await planOf(env.store, run);
  await withRun(env, run, plan, async (context) => {
    const { journal, emit } = context;
    const status = statusOf(context);
    await assertReversible(env.store, status);
    assertWhole(status, to);
    await assertUnused(context.agents, context.plan, status, to);
    const again = status.direction === "undo" && status.undoTo === to;
    await journal.append(
      again
        ? { type: "run.resume", ...takenBy(env, context) }
        : { type: "rollback.start", to, ...takenBy(env, context) },
    );
    emit({ type: "run", run, doing: "rollback", plan: status.plan });
    try {
      await goBack(context, to);
      if (to === null) await tellMissing(context);
    } catch (error) {
      await stopRun(context, error, [`to go on: ops run resume ${run}`]);
    }
    if (to === null) {
      await journal.append({ type: "run.end", outcome: "rolled-back", why: null });
      emit({ type: "ended", outcome: "rolled-back" });
    } else {
      await journal.append({ type: "rollback.done", to });
      emit({ type: "stopped", reason: "rolled-back-to", step: null, error: null });
    }
  });
}

async function goBack(context: RunContext, to: string | null): Promise<void> {
  const { plan, journal, emit } = context;
  const agenda = agendaBack(plan, statusOf(context), to);
  const steps = agenda.flatMap(({ waves }) => waves.flat());
  await pushEpochs(context, [...new Set(steps.flatMap(nodeNeeded))]);
  const postponed = new Set(
    steps.filter(({ id }) => statusOf(context).steps.get(id)?.state === "postponed"),
  );
  const catchUp = async () => {
    for (const step of postponed) await undoStep(context, step);
    postponed.clear();
  };
  for (const item of agenda) {
    const { stage, waves } = item;
    const { id, title } = stage;
    emit({ type: "stage", stage: id, title, state: "entered", left: countLeft(item, "back") });
    for (const wave of waves) {
      if (!wave.some((step) => isUnderWay(context, step))) stopAtBoundary(context);
      const steps = wave.filter((step) => !postponed.has(step));
      // What is destroyed must not be what a postponed step's node still follows.
      if (steps.some(({ kind }) => kind === "link" || kind === "init")) await catchUp();
      await inParallel(context, steps, async (inner, step) => {
        try {
          await undoStep(inner, step);
        } catch (error) {
          if (
            !(error instanceof StepFailure) ||
            step.kind !== "repoint" ||
            error.failure.code !== "unreachable"
          )
            throw error;
          if (!hasOpenOps(context, step)) {
            await journal.append({ type: "step.postponed", step: step.id, error: error.failure });
            emit({
              type: "note",
              message: `${error.failure.message}. The rollback goes on without it for now`,
            });
            postponed.add(step);
            return;
          }
          throw error;
        }
      });
    }
    if (postponed.size === 0) emit({ type: "stage", stage: id, title, state: "undone" });
  }
  await catchUp();
  stopAtBoundary(context);
}

async function undoStep(context: RunContext, step: Step): Promise<void> {
  const { journal, emit } = context;
  const { undo } = handlerOf(step);
  const stage = stageOf(context, step.id);
  const said = sayUndo(step);
  const told = said && ({ type: "step", stage, step: step.id, kind: step.kind, ...said } as const);
  if (told !== null) emit({ ...told, state: "begun" });
  if (undo === null)
    await settle(context, step.id, { undo: true, what: sayStep(step).what, atStop: "wait" });
  else await undo(contextFor(context, step), step);
  await journal.append({ type: "step.undone", step: step.id });
  if (told !== null) emit({ ...told, state: "undone" });
}

function hasOpenOps(context: RunContext, { id }: Step): boolean {
  const { ops, steps } = statusOf(context);
  return (
    steps
      .get(id)
      ?.ops.some((op) => ["intended", "accepted", "unknown"].includes(ops.get(op)!.state)) ?? false
  );
}

/** The nodes that have to answer for a step to be undone. */
function nodeNeeded(step: Step): string[] {
  if (step.kind === "takeover") return [step.node, step.from];
  return step.kind === "link" || step.kind === "init" ? [step.node] : [];
}
