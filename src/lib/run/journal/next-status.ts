import { objection } from "./objection.js";
import type { JournalRecord } from "./records.js";
import {
  IllegalRecord,
  type OpStatus,
  type RunStatus,
  type StepStatus,
  isTouched,
  stageIndex,
  wholeStages,
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
        outcome: null,
        undoTo: record.to,
        stop: null,
        soakUntil: null,
        since,
      };
    case "rollback.done": {
      // An earlier rollback may have gone further back than this one.
      const whole = wholeStages(status);
      const kept = status.stages.slice(0, stageIndex(status, record.to) + 1);
      const begun = kept.filter(({ id, waves }) =>
        waves.flat().some((step) => status.entered.has(id) && isTouched(status, step)),
      );
      const done = kept.filter((stage) => whole.includes(stage));
      return {
        direction: "apply",
        activity: "stopped",
        undoTo: null,
        stop: { reason: "rolled-back-to", step: null, error: null },
        entered: new Set([...done, ...begun].map(({ id }) => id)),
        stagesDone: new Set(done.map(({ id }) => id)),
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
    case "run.end": {
      const outcome = record.outcome === "superseded" ? "applied" : record.outcome;
      return { activity: "ended", outcome, stop: null, since };
    }
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

function withOp(status: RunStatus, op: string, fields: Partial<OpStatus>) {
  return { ops: new Map(status.ops).set(op, { ...status.ops.get(op)!, ...fields }) };
}

function withStep(status: RunStatus, step: string, state: StepStatus["state"]) {
  const ops = status.steps.get(step)?.ops ?? [];
  return { steps: new Map(status.steps).set(step, { state, ops }) };
}
