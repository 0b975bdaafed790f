import type { JournalRecord } from "./records.js";
import {
  type PublishedStatus,
  type RunStatus,
  type WaveTally,
  isOpen,
  isOver,
  isTouched,
  isUntouched,
  openOps,
  placeOf,
  stageIndex,
} from "./status.js";

/** Why the record may not follow; null when it may. */
export function objection(status: RunStatus, record: JournalRecord): string | null {
  const { activity } = status;
  const reopens = status.outcome === "applied" && record.type === "rollback.start";
  if (activity === "ended" && !reopens) return "the run has ended";
  switch (record.type) {
    case "run.start":
      return "the run has started already";
    case "run.resume":
      return activity === "soaking" ? "the run soaks: there is nothing to resume" : null;
    case "rollback.start":
      if (irreversible(status)) return "there is no way back from a stage that was entered";
      return record.to !== null && stageIndex(status, record.to) === -1
        ? `there is no stage ${record.to}`
        : null;
    case "finalize.start":
      return activity === "soaking" ? null : "only a run that soaks can be finalized";
    case "run.end":
      return endObjection(status, record.outcome);
    default:
      return activity === "running" ? workObjection(status, record) : `the run is ${activity}`;
  }
}

/** What a run that is going on says of what it does. */
type WorkRecord = Exclude<
  JournalRecord,
  { readonly type: "run.start" | "run.resume" | "rollback.start" | "finalize.start" | "run.end" }
>;

function workObjection(status: RunStatus, record: WorkRecord): string | null {
  const { direction } = status;
  switch (record.type) {
    case "run.stopped":
      return null;
    case "run.soaking":
      if (direction !== "apply") return "the run is not being applied";
      return status.stages.every(({ id, reversible }) => !reversible || status.stagesDone.has(id))
        ? null
        : "some stages are not done";
    case "rollback.done":
      if (direction !== "undo" || status.undoTo !== record.to)
        return `no rollback to ${record.to} is going on`;
      return clean(status, stageIndex(status, record.to)) ? null : "some steps are not undone";
    case "stage.enter":
      return enterObjection(status, record.stage);
    case "stage.done": {
      const shape = status.stages[stageIndex(status, record.stage)];
      if (direction === "undo" || shape === undefined || !status.entered.has(record.stage))
        return "the stage is not entered";
      if (status.stagesDone.has(record.stage)) return "the stage is done already";
      return status.tally[stageIndex(status, record.stage)]!.every(isDone)
        ? null
        : "some steps are not done";
    }
    case "op.intent":
      if (status.ops.has(record.op)) return "the operation exists already";
      if (record.undo !== (direction === "undo"))
        return `the run goes the other way (${direction})`;
      if (openOps(status, record.step).length > 0)
        return "another operation of the step is still open";
      if (record.attempt !== (status.steps.get(record.step)?.ops.length ?? 0))
        return "attempts are counted without gaps";
      return stepObjection(status, record.step);
    case "op.accepted":
    case "op.done":
    case "op.failed":
    case "op.unknown": {
      const op = status.ops.get(record.op);
      if (op === undefined) return "there is no such operation";
      if (!isOpen(op)) return `the operation is ${op.state} already`;
      if (record.type === "op.accepted" && op.state === "accepted")
        return "the operation is accepted already";
      return null;
    }
    case "routes.intent":
      return intentObjection(status, record, status.routes.get(record.keyspace) ?? null);
    case "policy.intent":
      return intentObjection(status, record, status.policy);
    case "routes.published":
      return publishedObjection(record, status.routes.get(record.keyspace) ?? null);
    case "policy.published":
      return publishedObjection(record, status.policy);
    case "adopt.intent":
      if (direction === "undo") return "the run is being rolled back";
      return stepObjection(status, record.step);
    case "evidence":
      return stepObjection(status, record.step);
    case "step.done":
      if (direction === "undo") return "the run is being rolled back";
      return stepObjection(status, record.step) ?? lastOpObjection(status, record.step);
    case "step.left-out":
      if (direction !== "apply") return "the run is not being applied";
      if (!status.without.has(record.node)) return `the run does not go on without ${record.node}`;
      if (openOps(status, record.step).length > 0) return "an operation of the step is still open";
      return stepObjection(status, record.step);
    case "step.undone":
    case "step.postponed":
      if (direction !== "undo") return "the run is not being rolled back";
      if (openOps(status, record.step).length > 0) return "an operation of the step is still open";
      return stepObjection(status, record.step);
  }
}

function intentObjection(
  status: RunStatus,
  { version, step }: { readonly version: number; readonly step: string | null },
  last: PublishedStatus | null,
): string | null {
  if (last !== null && version < last.version) return `version ${last.version} came before`;
  return step === null ? null : stepObjection(status, step);
}

function publishedObjection(
  { version }: { readonly version: number },
  last: PublishedStatus | null,
): string | null {
  return last?.version === version ? null : "that version was not meant to be published";
}

/** Whether work on the step is in order now: forward in its turn, back only when nothing later is left. */
function stepObjection(status: RunStatus, step: string): string | null {
  const place = placeOf(status, step);
  if (place === null) return `there is no step ${step}`;
  const shape = status.stages[place.stage]!;
  if (status.direction === "undo") {
    if (place.stage <= stageIndex(status, status.undoTo))
      return "the rollback does not go back that far";
    if (!isTouched(status, step)) return "the step was not begun";
    const later = [
      ...status.tally[place.stage]!.slice(place.wave + 1),
      ...status.tally.slice(place.stage + 1).flat(),
    ];
    return later.some(({ inTheWay }) => inTheWay > 0) ? "a later step is not undone yet" : null;
  }
  if (!status.entered.has(shape.id) || status.stagesDone.has(shape.id))
    return `stage ${shape.id} is not under way`;
  if (isOver(status, step)) return "the step is over already";
  return status.tally[place.stage]!.slice(0, place.wave).every(isDone)
    ? null
    : "an earlier wave is not done";
}

function isDone({ size, done }: WaveTally): boolean {
  return done === size;
}

function lastOpObjection(status: RunStatus, step: string): string | null {
  const last = lastOp(status, step);
  return last === undefined || last.state === "done" ? null : `its last operation is ${last.state}`;
}

function lastOp(status: RunStatus, step: string) {
  const ops = status.steps.get(step)?.ops.map((id) => status.ops.get(id)!) ?? [];
  return ops.at(-1);
}

function enterObjection(status: RunStatus, stage: string): string | null {
  const index = stageIndex(status, stage);
  const shape = status.stages[index];
  if (shape === undefined) return `there is no stage ${stage}`;
  if (status.entered.has(stage)) return "the stage is entered already";
  if (status.direction === "undo") return "the run is being rolled back";
  if (shape.reversible !== (status.direction === "apply"))
    return `not while the run goes that way (${status.direction})`;
  return status.stages.slice(0, index).every(({ id }) => status.stagesDone.has(id))
    ? null
    : "an earlier stage is not done";
}

function endObjection(
  status: RunStatus,
  outcome: (JournalRecord & { type: "run.end" })["outcome"],
): string | null {
  const { activity, direction } = status;
  switch (outcome) {
    case "applied":
      return activity === "running" &&
        direction === "apply" &&
        status.stages.every(({ id, reversible }) => reversible && status.stagesDone.has(id))
        ? null
        : "some stages are not done";
    case "superseded":
      return activity === "soaking" && status.stages.every(({ reversible }) => reversible)
        ? null
        : "only a run that soaks with nothing to retire can be superseded";
    case "finalized":
      return activity === "running" &&
        direction === "finalize" &&
        status.stages.every(({ id }) => status.stagesDone.has(id))
        ? null
        : "some stages are not done";
    case "rolled-back":
      return activity === "running" &&
        direction === "undo" &&
        status.undoTo === null &&
        clean(status, -1)
        ? null
        : "some steps are not undone";
    case "refused":
      return isUntouched(status) ? null : "something was changed already";
  }
}

/** Whether no step behind the stage is left. */
function clean(status: RunStatus, stage: number): boolean {
  return !status.stages
    .slice(stage + 1)
    .some(({ waves }) => waves.flat().some((step) => isTouched(status, step)));
}

function irreversible(status: RunStatus): boolean {
  return status.stages.some(({ id, reversible }) => !reversible && status.entered.has(id));
}
