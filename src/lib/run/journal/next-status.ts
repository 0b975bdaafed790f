import type { JournalRecord } from "./records.js";
import {
  IllegalRecord,
  type RunStatus,
  type StepStatus,
  isOpen,
  isTouched,
  openOps,
  placeOf,
  stageIndex,
} from "./status.js";

/**
 * The run after one more record. Pure; throws `IllegalRecord` for a record that may not follow. Recovery is a fold of this
 * over the journal, so whatever was journalled is legal and whatever is legal can be recovered from.
 */
export function nextStatus(status: RunStatus | null, record: JournalRecord): RunStatus {
  const refuse = (why: string): never => {
    throw new IllegalRecord(record, why);
  };
  if (record.type === "run.start") {
    if (status !== null) refuse("the run has started already");
    return started(record);
  }
  if (status === null) return refuse("a journal begins with run.start");
  if (record.seq !== status.seq + 1) refuse(`record ${status.seq + 1} was expected`);
  const why = objection(status, record);
  if (why !== null) refuse(why);
  return { ...status, ...change(status, record), seq: record.seq, updatedAt: record.time };
}

/** The run that a journal tells of; null when it is empty. */
export function replay(records: readonly JournalRecord[]): RunStatus | null {
  return records.reduce<RunStatus | null>(nextStatus, null);
}

function started(record: JournalRecord & { type: "run.start" }): RunStatus {
  const { run, plan, lineage, epochs, stages, actor, time, seq } = record;
  return {
    run,
    plan,
    lineage,
    epochs,
    stages,
    actor,
    seq,
    direction: "apply",
    activity: "running",
    outcome: null,
    entered: new Set(),
    stagesDone: new Set(),
    steps: new Map(),
    ops: new Map(),
    routes: new Map(),
    undoTo: null,
    soakUntil: null,
    stop: null,
    startedAt: time,
    updatedAt: time,
    since: time,
  };
}

/** Why the record may not follow; null when it may. */
function objection(status: RunStatus, record: JournalRecord): string | null {
  const { activity, direction } = status;
  if (activity === "ended") return "the run has ended";
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
  }
  if (activity !== "running") return `the run is ${activity}`;
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
      return shape.waves.flat().every((step) => status.steps.get(step)?.state === "done")
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
    case "routes.intent": {
      const last = status.routes.get(record.keyspace);
      if (last !== undefined && record.version < last.version)
        return `version ${last.version} came before`;
      return record.step === null ? null : stepObjection(status, record.step);
    }
    case "routes.published":
      return status.routes.get(record.keyspace)?.version === record.version
        ? null
        : "that version was not meant to be published";
    case "evidence":
      return stepObjection(status, record.step);
    case "step.done":
      if (direction === "undo") return "the run is being rolled back";
      return stepObjection(status, record.step) ?? lastOpObjection(status, record.step);
    case "step.undone":
    case "step.postponed":
      if (direction !== "undo") return "the run is not being rolled back";
      if (openOps(status, record.step).length > 0) return "an operation of the step is still open";
      return stepObjection(status, record.step);
  }
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
      ...shape.waves.slice(place.wave + 1).flat(),
      ...status.stages.slice(place.stage + 1).flatMap(({ waves }) => waves.flat()),
    ];
    const blocks = (other: string) =>
      isTouched(status, other) && status.steps.get(other)?.state !== "postponed";
    return later.some(blocks) ? "a later step is not undone yet" : null;
  }
  if (!status.entered.has(shape.id) || status.stagesDone.has(shape.id))
    return `stage ${shape.id} is not under way`;
  if (status.steps.get(step)?.state === "done") return "the step is done already";
  return shape.waves
    .slice(0, place.wave)
    .flat()
    .every((other) => status.steps.get(other)?.state === "done")
    ? null
    : "an earlier wave is not done";
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
      return direction === "apply" && status.ops.size === 0 && status.routes.size === 0
        ? null
        : "something was changed already";
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

function change(status: RunStatus, record: JournalRecord): Partial<RunStatus> {
  const since = record.time;
  switch (record.type) {
    case "run.start":
      return {};
    case "run.resume":
      return { ...taken(record), activity: "running", stop: null, since };
    case "rollback.start":
      return {
        ...taken(record),
        direction: "undo",
        activity: "running",
        undoTo: record.to,
        stop: null,
        soakUntil: null,
        since,
      };
    case "rollback.done": {
      const kept = new Set(
        status.stages.slice(0, stageIndex(status, record.to) + 1).map(({ id }) => id),
      );
      const only = (stages: ReadonlySet<string>) =>
        new Set([...stages].filter((stage) => kept.has(stage)));
      return {
        direction: "apply",
        activity: "stopped",
        undoTo: null,
        stop: { reason: "rolled-back-to", step: null, error: null },
        entered: only(status.entered),
        stagesDone: only(status.stagesDone),
        since,
      };
    }
    case "finalize.start":
      return { ...taken(record), direction: "finalize", activity: "running", since };
    case "run.stopped":
      return {
        activity: "stopped",
        stop: { reason: record.reason, step: record.step, error: record.error },
        since,
      };
    case "run.soaking":
      return { activity: "soaking", soakUntil: record.until, since };
    case "run.end":
      return { activity: "ended", outcome: record.outcome, stop: null, since };
    case "stage.enter":
      return { entered: new Set(status.entered).add(record.stage), since };
    case "stage.done":
      return { stagesDone: new Set(status.stagesDone).add(record.stage), since };
    case "op.intent": {
      const { op, step, attempt, undo, node, request, inverse, preState } = record;
      const fresh = {
        op,
        step,
        attempt,
        undo,
        node,
        request,
        inverse,
        preState,
        state: "intended",
        result: null,
        error: null,
      } as const;
      const known = status.steps.get(step);
      const begun: StepStatus = {
        state: undo ? (known?.state ?? "begun") : "begun",
        ops: [...(known?.ops ?? []), op],
      };
      return {
        ops: new Map(status.ops).set(op, fresh),
        steps: new Map(status.steps).set(step, begun),
      };
    }
    case "op.accepted":
      return withOp(status, record.op, { state: "accepted" });
    case "op.done":
      return withOp(status, record.op, { state: "done", result: record.result, error: null });
    case "op.failed":
      return withOp(status, record.op, { state: "failed", error: record.error });
    case "op.unknown":
      return withOp(status, record.op, { state: "unknown", error: record.error });
    case "routes.intent": {
      const { keyspace, version, hash, step } = record;
      const routes = new Map(status.routes).set(keyspace, {
        version,
        hash,
        published: false,
        missing: [],
      });
      return step === null || status.direction === "undo"
        ? { routes }
        : { routes, ...withStep(status, step, "begun") };
    }
    case "routes.published": {
      const { keyspace, missing } = record;
      const known = status.routes.get(keyspace)!;
      return {
        routes: new Map(status.routes).set(keyspace, { ...known, published: true, missing }),
      };
    }
    case "evidence":
      return status.direction === "undo" ? {} : withStep(status, record.step, "begun");
    case "step.done":
      return withStep(status, record.step, "done");
    case "step.undone":
      return withStep(status, record.step, "undone");
    case "step.postponed":
      return withStep(status, record.step, "postponed");
  }
}

function taken({ epochs, actor }: { epochs: Readonly<Record<string, string>>; actor: string }) {
  return { epochs, actor };
}

function withOp(
  status: RunStatus,
  op: string,
  fields: Partial<NonNullable<ReturnType<typeof lastOp>>>,
) {
  return { ops: new Map(status.ops).set(op, { ...status.ops.get(op)!, ...fields }) };
}

function withStep(status: RunStatus, step: string, state: StepStatus["state"]) {
  const ops = status.steps.get(step)?.ops ?? [];
  return { steps: new Map(status.steps).set(step, { state, ops }) };
}
