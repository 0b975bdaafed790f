import fc from "fast-check";
import { nextStatus } from "../../src/lib/run/journal/next-status.js";
import type { JournalRecord, RecordBody } from "../../src/lib/run/journal/records.js";
import { IllegalRecord, type RunStatus, openOps } from "../../src/lib/run/journal/status.js";

/** A run with all that matters: a stage without operations, parallel steps, waves, and a stage without a way back. */
export const START: RecordBody & { type: "run.start" } = {
  type: "run.start",
  run: "r-1",
  plan: "f".repeat(64),
  lineage: "l",
  epochs: { "keyspace/profile": "1" },
  actor: "alice@host",
  command: "ops shard apply plan.json",
  stages: [
    { id: "1-preflight", reversible: true, waves: [["s1"]] },
    { id: "2-attach", reversible: true, waves: [["s2", "s3"], ["s4"]] },
    { id: "3-writes", reversible: true, waves: [["s5"], ["s6"], ["s7"]] },
    { id: "4-retire", reversible: false, waves: [["s8"]] },
  ],
};

/** The same without the stage that has no way back: over once it is applied. */
export const ENDING: typeof START = { ...START, stages: START.stages.slice(0, -1) };

/** Numbers that choose, at each point, among the records that are legal there. */
export const execution = fc.array(fc.nat(), { maxLength: 120 });

/** A journal that could have been written: at each point one of the records that may follow, as `moves` choose. */
export function recordsOf(moves: readonly number[], start = START): JournalRecord[] {
  const records: JournalRecord[] = [];
  let status: RunStatus | null = null;
  const add = (body: RecordBody): boolean => {
    const record = {
      seq: records.length + 1,
      time: new Date(Date.UTC(2026, 10, 22) + records.length).toISOString(),
      ...body,
      prev: "",
    };
    try {
      status = nextStatus(status, record);
    } catch (error) {
      if (error instanceof IllegalRecord) return false;
      throw error;
    }
    records.push(record);
    return true;
  };
  add(start);
  for (const move of moves) {
    const candidates = candidatesOf(status!);
    // From the chosen one on, the first that may follow. Weighted by their order towards going on.
    for (let i = 0; i < candidates.length; i += 1) {
      if (add(candidates[(move + i) % candidates.length]!)) break;
    }
  }
  return records;
}

function candidatesOf(status: RunStatus): RecordBody[] {
  const taken = { epochs: { "keyspace/profile": "2" }, actor: "bob", command: "c" };
  const error = { code: "x", message: "m", outcome: "none", hint: null } as const;
  const steps = START.stages.flatMap(({ waves }) => waves.flat());
  const undo = status.direction === "undo";
  const ops = openOps(status).flatMap(({ op }): RecordBody[] => [
    { type: "op.accepted", op },
    { type: "op.done", op, result: {} },
    { type: "op.failed", op, error },
    { type: "op.unknown", op, error },
  ]);
  const work = steps.flatMap((step): RecordBody[] => {
    const attempt = status.steps.get(step)?.ops.length ?? 0;
    const intent = {
      step,
      attempt,
      undo,
      node: "n",
      url: "u",
      request: {},
      requestHash: "",
      inverse: null,
      preState: null,
    };
    return [
      { type: "step.done", step },
      { type: "step.undone", step },
      { type: "step.left-out", step, node: "gone", why: "dead" },
      { type: "op.intent", op: `${step}-${attempt}`, ...intent },
      { type: "evidence", step, about: "x", facts: {} },
      {
        type: "routes.intent",
        step,
        keyspace: "profile",
        version: (status.routes.get("profile")?.version ?? 0) + 1,
        hash: "",
      },
      ...(step === "s7" ? [{ type: "step.postponed", step, error } as const] : []),
    ];
  });
  const stages = START.stages.flatMap(({ id: stage }): RecordBody[] => [
    { type: "stage.done", stage },
    { type: "stage.enter", stage },
  ]);
  return [
    ...stages,
    ...ops,
    ...work,
    {
      type: "routes.published",
      keyspace: "profile",
      version: status.routes.get("profile")?.version ?? 0,
      missing: ["n"],
    },
    { type: "run.soaking", until: "2026-11-23T00:00:00.000Z" },
    { type: "finalize.start", ...taken },
    { type: "run.stopped", reason: "failed", step: null, error },
    { type: "run.resume", ...taken },
    { type: "run.resume", ...taken, without: [{ node: "gone", why: "dead" }] },
    { type: "rollback.start", to: null, ...taken },
    { type: "rollback.start", to: "2-attach", ...taken },
    { type: "rollback.done", to: "2-attach" },
    { type: "run.end", outcome: "applied", why: null },
    { type: "run.end", outcome: "rolled-back", why: null },
    { type: "run.end", outcome: "finalized", why: null },
    { type: "run.end", outcome: "refused", why: "x" },
  ];
}
