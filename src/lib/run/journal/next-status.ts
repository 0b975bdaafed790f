import { editOf } from "./edit.js";
import { objection } from "./objection.js";
import type { JournalRecord } from "./records.js";
import {
  IllegalRecord,
  type RunStatus,
  type StepStatus,
  type WaveTally,
  placeOf,
} from "./status.js";

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
