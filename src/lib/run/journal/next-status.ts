import { objection } from "./objection.js";
import type { JournalRecord, Stopped } from "./records.js";
import {
  IllegalRecord,
  type OpStatus,
  type PublishedStatus,
  type RunStatus,
  type StepStatus,
  type WaveTally,
  isTouched,
  placeOf,
  stageIndex,
  wholeStages,
} from "./status.js";

/** Evidence that a later process goes by. The rest stays in the journal only: the statuses of all runs are in memory at once. */
const READ_AGAIN: ReadonlySet<string> = new Set(["told", "receivers-before"]);

/** What a record changes of the status: single entries of its maps, and whole fields. */
interface Edit {
  readonly fields?: Partial<RunStatus>;
  readonly op?: OpStatus;
  readonly step?: { readonly id: string; readonly to: StepStatus };
  readonly routes?: { readonly keyspace: string; readonly to: PublishedStatus };
}

/**
 * The run after one more record. Pure; throws `IllegalRecord` for a record that may not follow. Recovery is a fold of this
 * over the journal, so whatever was journalled is legal and whatever is legal can be recovered from.
 */
export function nextStatus(status: RunStatus | null, record: JournalRecord): RunStatus {
  if (status === null) return started(record);
  const next = {
    ...status,
    steps: new Map(status.steps),
    ops: new Map(status.ops),
    routes: new Map(status.routes),
    tally: status.tally.map((waves) => [...waves]),
  };
  advance(next, record);
  return next;
}

/** The same in place, in a time that does not grow with the run. The status stays as it is when the record may not follow. */
export function advance(status: RunStatus, record: JournalRecord): void {
  const refuse = (why: string): never => {
    throw new IllegalRecord(record, why);
  };
  if (record.seq !== status.seq + 1) refuse(`record ${status.seq + 1} was expected`);
  const why = objection(status, record);
  if (why !== null) refuse(why);
  const { fields, op, step, routes } = editOf(status, record);
  const own = status as Mutable;
  if (op !== undefined) own.ops.set(op.op, op);
  if (routes !== undefined) own.routes.set(routes.keyspace, routes.to);
  if (step !== undefined) {
    const before = status.steps.get(step.id)?.state;
    own.steps.set(step.id, step.to);
    count(own, step.id, before, step.to.state);
  }
  Object.assign(own, fields, { seq: record.seq, updatedAt: record.time });
}

/** The run that a journal tells of; null when it is empty. */
export function replay(records: readonly JournalRecord[]): RunStatus | null {
  const [first, ...rest] = records;
  if (first === undefined) return null;
  const status = started(first);
  for (const record of rest) advance(status, record);
  return status;
}

type Mutable = {
  -readonly [K in keyof RunStatus]: RunStatus[K] extends ReadonlyMap<infer A, infer B>
    ? Map<A, B>
    : K extends "tally"
      ? WaveTally[][]
      : RunStatus[K];
};

type StepState = StepStatus["state"] | undefined;

function count({ tally, stages }: Mutable, step: string, before: StepState, after: StepState) {
  const place = placeOf({ stages }, step);
  if (place === null) return;
  const waves = tally[place.stage]!;
  const { size, done, inTheWay } = waves[place.wave]!;
  const isDone = (state: StepState) => (state === "done" || state === "left-out" ? 1 : 0);
  const blocks = (state: StepState) => (state === "begun" || state === "done" ? 1 : 0);
  waves[place.wave] = {
    size,
    done: done + isDone(after) - isDone(before),
    inTheWay: inTheWay + blocks(after) - blocks(before),
  };
}

function started(record: JournalRecord): RunStatus {
  if (record.type !== "run.start")
    throw new IllegalRecord(record, "a journal begins with run.start");
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
    tally: stages.map(({ waves }) =>
      waves.map((steps) => ({ size: steps.length, done: 0, inTheWay: 0 })),
    ),
    ops: new Map(),
    routes: new Map(),
    policy: null,
    without: new Map(),
    leftOut: new Map(),
    hasAdopted: false,
    undoTo: null,
    soakingSince: null,
    soakUntil: null,
    stop: null,
    startedAt: time,
    updatedAt: time,
    since: time,
  };
}

function editOf(status: RunStatus, record: JournalRecord): Edit {
  const since = record.time;
  switch (record.type) {
    case "run.start":
      return {};
    case "run.resume":
      return {
        fields: {
          ...taken(record),
          without: new Map([
            ...status.without,
            ...(record.without ?? []).map(({ node, why }) => [node, why] as const),
          ]),
          activity: "running",
          stop: null,
          since,
        },
      };
    case "rollback.start":
      return {
        fields: {
          ...taken(record),
          direction: "undo",
          activity: "running",
          outcome: null,
          undoTo: record.to,
          stop: null,
          soakingSince: null,
          soakUntil: null,
          since,
        },
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
        fields: {
          direction: "apply",
          activity: "stopped",
          undoTo: null,
          stop: { reason: "rolled-back-to", step: null, error: null },
          entered: new Set([...done, ...begun].map(({ id }) => id)),
          stagesDone: new Set(done.map(({ id }) => id)),
          since,
        },
      };
    }
    case "finalize.start":
      return { fields: { ...taken(record), direction: "finalize", activity: "running", since } };
    case "run.stopped":
      return {
        fields: {
          activity: "stopped",
          stop: stopOf(record),
          since,
        },
      };
    case "run.soaking":
      return {
        fields: { activity: "soaking", soakingSince: since, soakUntil: record.until, since },
      };
    case "run.end": {
      const outcome = record.outcome === "superseded" ? "applied" : record.outcome;
      return { fields: { activity: "ended", outcome, stop: null, since } };
    }
    case "stage.enter":
      return { fields: { entered: new Set(status.entered).add(record.stage), since } };
    case "stage.done":
      return { fields: { stagesDone: new Set(status.stagesDone).add(record.stage), since } };
    case "op.intent": {
      const { op, step, attempt, undo, node, request, inverse, preState } = record;
      const known = status.steps.get(step);
      const state = undo ? undoing(status, step) : "begun";
      const about = { op, step, attempt, undo, node, request, inverse, preState };
      return {
        op: { ...about, state: "intended", result: null, error: null },
        step: {
          id: step,
          to: { state, ops: [...(known?.ops ?? []), op], evidence: known?.evidence ?? null },
        },
      };
    }
    case "op.accepted":
      return opEdit(status, record.op, { state: "accepted" });
    case "op.done":
      return opEdit(status, record.op, { state: "done", result: record.result, error: null });
    case "op.failed":
      return opEdit(status, record.op, { state: "failed", error: record.error });
    case "op.unknown":
      return opEdit(status, record.op, { state: "unknown", error: record.error });
    case "routes.intent": {
      const routes = { keyspace: record.keyspace, to: meant(record) };
      return { routes, ...publishing(status, record.step) };
    }
    case "policy.intent":
      return { fields: { policy: meant(record) }, ...publishing(status, record.step) };
    case "policy.published":
      return {
        fields: { policy: { ...status.policy!, published: true, missing: record.missing } },
      };
    case "routes.published": {
      const { keyspace, missing } = record;
      const known = status.routes.get(keyspace)!;
      return { routes: { keyspace, to: { ...known, published: true, missing } } };
    }
    case "adopt.intent":
      return { fields: { hasAdopted: true }, ...stepEdit(status, record.step, "begun") };
    case "evidence": {
      if (status.direction === "undo") return {};
      const { about, facts } = record;
      return stepEdit(
        status,
        record.step,
        "begun",
        READ_AGAIN.has(about) ? { about, facts } : null,
      );
    }
    case "step.done":
      return stepEdit(status, record.step, "done");
    case "step.left-out":
      return {
        ...stepEdit(status, record.step, "left-out"),
        fields: { leftOut: new Map(status.leftOut).set(record.step, record.node) },
      };
    case "step.undone":
      return stepEdit(status, record.step, "undone", null);
    case "step.postponed":
      return stepEdit(status, record.step, "postponed");
  }
}

function meant({ version, hash }: Pick<PublishedStatus, "version" | "hash">): PublishedStatus {
  return { version, hash, published: false, missing: [] };
}

function publishing(status: RunStatus, step: string | null): Edit {
  if (step === null) return {};
  return stepEdit(status, step, status.direction === "undo" ? undoing(status, step) : "begun");
}

/** A step that is being undone is no longer done, although it is not undone yet: nothing may rely on it. */
function undoing({ steps }: RunStatus, step: string): StepStatus["state"] {
  return steps.get(step)?.state === "postponed" ? "postponed" : "begun";
}

/** Of a record what says why, and nothing else of it. */
function stopOf(stopped: Stopped): Stopped {
  const { step, error } = stopped;
  return stopped.reason === "asked"
    ? { reason: "asked", by: stopped.by, step, error }
    : { reason: stopped.reason, step, error };
}

function taken({ epochs, actor }: { epochs: Readonly<Record<string, string>>; actor: string }) {
  return { epochs, actor };
}

function opEdit(status: RunStatus, op: string, fields: Partial<OpStatus>): Edit {
  return { op: { ...status.ops.get(op)!, ...fields } };
}

function stepEdit(
  { steps }: RunStatus,
  step: string,
  state: StepStatus["state"],
  evidence = steps.get(step)?.evidence ?? null,
): Edit {
  return { step: { id: step, to: { state, ops: steps.get(step)?.ops ?? [], evidence } } };
}
