import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FIRST_PREV, decodeJournal, encodeRecord } from "../../src/lib/run/journal/codec.js";
import { Journal, readHistory } from "../../src/lib/run/journal/journal.js";
import { nextStatus, replay } from "../../src/lib/run/journal/next-status.js";
import type { RecordBody } from "../../src/lib/run/journal/records.js";
import {
  IllegalRecord,
  type RunStatus,
  isTouched,
  wholeStages,
} from "../../src/lib/run/journal/status.js";
import { summarize } from "../../src/lib/run/summary.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import { ENDING, START, execution, recordsOf } from "./executions.js";

function linesOf(bodies: ReturnType<typeof recordsOf>): string[] {
  let prev = FIRST_PREV;
  return bodies.map((record) => {
    const { seq, time, prev: _, ...body } = record;
    const encoded = encodeRecord(body, seq, time, prev);
    prev = encoded.hash;
    return encoded.line;
  });
}

const taken = { epochs: { "keyspace/profile": "2" }, actor: "bob", command: "c" };

const bytesOf = (lines: readonly string[]) =>
  Buffer.from(lines.map((line) => `${line}\n`).join(""));

describe("a journal", () => {
  it("remembers who did not say whether users are kept away still, for the summary and the exit code", () => {
    const noted: RecordBody[] = [
      START,
      { type: "stage.enter", stage: "1-preflight" },
      { type: "evidence", step: "s1", about: "silent", facts: { nodes: ["dp-1", "dp-2"] } },
      { type: "step.done", step: "s1" },
    ];
    const records = noted.map((body, i) => {
      return {
        seq: i + 1,
        time: new Date(Date.UTC(2026, 10, 24) + i).toISOString(),
        ...body,
        prev: "",
      };
    });
    expect(summarize(replay(records)!).unheard).toEqual(["dp-1", "dp-2"]);
  });

  it("replays legally from any prefix of any execution, to the status that the execution had there", () => {
    fc.assert(
      fc.property(execution, fc.constantFrom(START, ENDING), (moves, start) => {
        const records = recordsOf(moves, start);
        let status = null as ReturnType<typeof replay>;
        for (const [i, record] of records.entries()) {
          status = nextStatus(status, record);
          expect(replay(records.slice(0, i + 1))).toEqual(status);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("never undoes a takeover before what came after it, nor ends a rollback with a step left", () => {
    fc.assert(
      fc.property(execution, fc.constantFrom(START, ENDING), (moves, start) => {
        const records = recordsOf(moves, start);
        const touched = new Set<string>();
        for (const record of records) {
          if (record.type === "op.intent" && !record.undo) touched.add(record.step);
          if (record.type === "step.left-out") touched.delete(record.step);
          if (record.type === "step.undone") {
            const later = START.stages
              .flatMap(({ waves }) => waves)
              .findIndex((wave) => wave.includes(record.step));
            const after = START.stages
              .flatMap(({ waves }) => waves)
              .slice(later + 1)
              .flat();
            expect(after.filter((step) => touched.has(step) && !postponed(records, step))).toEqual(
              [],
            );
            touched.delete(record.step);
          }
          if (record.type === "run.end" && record.outcome === "rolled-back")
            expect([...touched]).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("reads back what was written, whatever the cut, and leaves out only a torn last line", () => {
    fc.assert(
      fc.property(execution, fc.nat(), (moves, at) => {
        const lines = linesOf(recordsOf(moves));
        const bytes = bytesOf(lines);
        const cut = at % (bytes.length + 1);
        const decoded = decodeJournal(bytes.subarray(0, cut), "test");
        const whole = bytes.subarray(0, cut).toString("utf8").split("\n").length - 1;
        expect(decoded.records.length).toBe(whole);
        expect(decoded.torn).toBe(bytes.subarray(0, cut).at(-1) !== 10 && cut > 0);
        expect(decoded.bytes).toBe(bytesOf(lines.slice(0, whole)).length);
      }),
      { numRuns: 60 },
    );
  });

  it("is refused when a line in its middle is missing, moved or changed, and says which", () => {
    fc.assert(
      fc.property(
        execution,
        fc.nat(),
        fc.constantFrom("remove", "swap", "change", "repeat"),
        (moves, at, how) => {
          const lines = linesOf(recordsOf(moves));
          fc.pre(lines.length > 3);
          const i = at % (lines.length - 2);
          const broken = [...lines];
          if (how === "remove") broken.splice(i, 1);
          if (how === "swap") [broken[i], broken[i + 1]] = [broken[i + 1]!, broken[i]!];
          if (how === "change") broken[i] = broken[i]!.replace(/"time":"2026/, '"time":"2027');
          if (how === "repeat") broken.splice(i, 0, broken[i]!);
          const first = how === "repeat" ? i + 2 : i + 1;
          expect(() => decodeJournal(bytesOf(broken), "j")).toThrow(
            expect.objectContaining({
              code: "bad-journal",
              message: expect.stringContaining(`line ${first}:`),
            }),
          );
        },
      ),
      { numRuns: 80 },
    );
  });

  it("takes no record that may not follow", () => {
    const [start] = recordsOf([]);
    const status = replay([start!])!;
    const next = (body: object) =>
      nextStatus(status, { seq: 2, time: start!.time, prev: "", ...body } as never);
    expect(() => next(START)).toThrow(IllegalRecord);
    expect(() => next({ type: "stage.enter", stage: "3-writes" })).toThrow(
      "an earlier stage is not done",
    );
    expect(() => next({ type: "stage.enter", stage: "4-retire" })).toThrow(IllegalRecord);
    expect(() => next({ type: "op.accepted", op: "x" })).toThrow("no such operation");
    expect(() => next({ type: "run.end", outcome: "finalized", why: null })).toThrow(IllegalRecord);
    expect(() => next({ type: "step.undone", step: "s1" })).toThrow(IllegalRecord);
    expect(() =>
      nextStatus(null, { seq: 1, time: "", prev: "", type: "run.soaking", until: "" }),
    ).toThrow("begins with run.start");
  });
});

describe("a run that goes on without an agent that is gone", () => {
  const begun: RecordBody[] = [
    START,
    { type: "stage.enter", stage: "1-preflight" },
    { type: "run.stopped", reason: "unknown", step: "s1", error: null },
  ];
  const gone = [{ node: "gone", why: "dead" }];
  const after = (...bodies: RecordBody[]) =>
    replay(
      [...begun, ...bodies].map(
        (body, i) => ({ seq: i + 1, time: "", prev: "", ...body }) as never,
      ),
    )!;
  const leftOut: RecordBody = { type: "step.left-out", step: "s1", node: "gone", why: "dead" };

  it("has its stage done without the step, and nothing to undo of it", () => {
    const status = after({ type: "run.resume", ...taken, without: gone }, leftOut, {
      type: "stage.done",
      stage: "1-preflight",
    });
    expect(wholeStages(status).map(({ id }) => id)).toEqual(["1-preflight"]);
    expect(agendaBackSteps(status)).toEqual([]);
    expect(summarize(status)).toMatchObject({
      steps: { done: 0 },
      without: [{ node: "gone", why: "dead", steps: 1 }],
    });
  });

  it("remembers it when it is taken up once more", () => {
    const status = after(
      { type: "run.resume", ...taken, without: gone },
      { type: "run.stopped", reason: "signal", step: null, error: null },
      { type: "run.resume", ...taken },
      leftOut,
    );
    expect(status.steps.get("s1")?.state).toBe("left-out");
  });

  it("leaves out nothing that nobody said is gone, nor the same step twice", () => {
    const resumed: RecordBody = { type: "run.resume", ...taken };
    expect(() => after(resumed, leftOut)).toThrow("does not go on without gone");
    const without: RecordBody = { type: "run.resume", ...taken, without: gone };
    expect(() => after(without, leftOut, leftOut)).toThrow("over already");
  });
});

/** The steps that a rollback would look at. */
function agendaBackSteps(status: RunStatus): string[] {
  return status.stages.flatMap(({ waves }) => waves.flat()).filter((id) => isTouched(status, id));
}

it("is not refused for nothing once a node was asked to leave its control plane", () => {
  const bodies: RecordBody[] = [
    START,
    { type: "stage.enter", stage: "1-preflight" },
    { type: "adopt.intent", step: "s1", node: "a1", from: "another-lineage" },
  ];
  const records = bodies.map((body, i) => ({ seq: i + 1, time: "", prev: "", ...body }) as never);
  const status = replay(records)!;
  const next = (body: RecordBody) => nextStatus(status, { seq: 4, time: "", prev: "", ...body });
  expect(() => next({ type: "run.end", outcome: "refused", why: "x" })).toThrow(IllegalRecord);
  expect(next({ type: "step.done", step: "s1" }).steps.get("s1")?.state).toBe("done");
});

describe("a run that went back to a stage", () => {
  const back = (to: string | null): RecordBody => ({ type: "rollback.start", to, ...taken });
  const undone = (...steps: string[]) =>
    steps.map((step): RecordBody => ({ type: "step.undone", step }));

  it("stands at its end", () => {
    const status = statusAfter(
      START,
      ...workOf(START.stages.slice(0, 3)),
      back("2-attach"),
      ...undone("s7", "s6", "s5"),
      { type: "rollback.done", to: "2-attach" },
    );
    expect([...status.stagesDone]).toEqual(["1-preflight", "2-attach"]);
    expect([...status.entered]).toEqual(["1-preflight", "2-attach"]);
    expect(status).toMatchObject({ direction: "apply", activity: "stopped" });
  });

  it("does not rely on a step that was being undone when its process was killed", () => {
    const status = statusAfter(START, ...workOf(START.stages.slice(0, 2)), back(null), {
      type: "routes.intent",
      step: "s4",
      keyspace: "profile",
      version: 9,
      hash: "h",
    });
    expect(wholeStages(status).map(({ id }) => id)).toEqual(["1-preflight"]);
  });

  it("does not stand there when a rollback before it had gone further: it does the rest again", () => {
    const bodies = [
      START,
      ...workOf(START.stages.slice(0, 3)),
      back(null),
      ...undone("s7", "s6", "s5", "s4", "s3"),
      back("2-attach"),
      { type: "rollback.done", to: "2-attach" } as const,
    ];
    const status = statusAfter(...bodies);
    expect([...status.stagesDone]).toEqual(["1-preflight"]);
    const again: RecordBody[] = [
      { type: "run.resume", ...taken },
      { type: "step.done", step: "s3" },
      { type: "step.done", step: "s4" },
    ];
    const enter: RecordBody = { type: "stage.enter", stage: "3-writes" };
    expect(() => statusAfter(...bodies, again[0]!, enter)).toThrow("an earlier stage is not done");
    const done: RecordBody = { type: "stage.done", stage: "2-attach" };
    expect([...statusAfter(...bodies, ...again, done, enter).stagesDone]).toEqual([
      "1-preflight",
      "2-attach",
    ]);
  });
});

describe("a run with nothing to retire", () => {
  const work = workOf(ENDING.stages);
  const applied: RecordBody = { type: "run.end", outcome: "applied", why: null };

  it("ends once its last stage is done, and not before", () => {
    expect(statusAfter(ENDING, ...work, applied)).toMatchObject({
      activity: "ended",
      outcome: "applied",
    });
    expect(() => statusAfter(ENDING, ...work.slice(0, -1), applied)).toThrow("are not done");
    expect(() => statusAfter(START, ...work, applied)).toThrow("are not done");
  });

  it("can be rolled back from there, in part or as a whole, and do nothing else", () => {
    const back: RecordBody = { type: "rollback.start", to: null, ...taken };
    expect(statusAfter(ENDING, ...work, applied, back)).toMatchObject({
      direction: "undo",
      activity: "running",
      outcome: null,
    });
    for (const body of [
      { type: "run.resume", ...taken },
      { type: "finalize.start", ...taken },
      { type: "step.undone", step: "s7" },
      applied,
    ] as RecordBody[])
      expect(() => statusAfter(ENDING, ...work, applied, body)).toThrow("the run has ended");
    const ended: RecordBody = { type: "run.end", outcome: "refused", why: "x" };
    expect(() => statusAfter(ENDING, ended, back)).toThrow("the run has ended");
  });

  it("reads as applied where an earlier version had left it soaking until the next run", () => {
    const soaking: RecordBody = { type: "run.soaking", until: "2026-11-22T00:00:00.000Z" };
    const superseded: RecordBody = { type: "run.end", outcome: "superseded", why: "run r-2 began" };
    expect(statusAfter(ENDING, ...work, soaking, superseded)).toMatchObject({
      activity: "ended",
      outcome: "applied",
    });
    const finalize: RecordBody = { type: "finalize.start", ...taken };
    const finalized: RecordBody = { type: "run.end", outcome: "finalized", why: null };
    expect(statusAfter(ENDING, ...work, soaking, finalize, finalized).outcome).toBe("finalized");
  });
});

/** All of these stages, done. */
function workOf(stages: typeof START.stages): RecordBody[] {
  return stages.flatMap(({ id: stage, waves }): RecordBody[] => [
    { type: "stage.enter", stage },
    ...waves.flat().map((step): RecordBody => ({ type: "step.done", step })),
    { type: "stage.done", stage },
  ]);
}

function statusAfter(...bodies: RecordBody[]) {
  return replay(bodies.map((body, i) => ({ seq: i + 1, time: "", ...body, prev: "" })))!;
}

function postponed(records: ReturnType<typeof recordsOf>, step: string): boolean {
  return records.some((record) => record.type === "step.postponed" && record.step === step);
}

describe("a journal on disk", () => {
  let directory: string;
  let store: FileStateStore;
  const path = () => join(store.where, "runs", "r-1", "journal.ndjson");

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "ops-journal-"));
    store = new FileStateStore(directory);
    await store.createRun("r-1", "plan");
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("goes on behind a torn last line as if it had never been there", async () => {
    const journal = await Journal.open(store, "r-1", Date.now);
    await journal.append(START);
    await journal.close();
    await appendFile(path(), '{"seq":2,"time":"2026-11-22T12');
    expect((await readHistory(store, "r-1")).records).toHaveLength(1);
    const again = await Journal.open(store, "r-1", Date.now);
    await again.append({ type: "stage.enter", stage: "1-preflight" });
    await again.close();
    expect((await readHistory(store, "r-1")).records.map(({ type }) => type)).toEqual([
      "run.start",
      "stage.enter",
    ]);
  });

  it("names the line when it was edited", async () => {
    const journal = await Journal.open(store, "r-1", Date.now);
    await journal.append(START);
    await journal.append({ type: "stage.enter", stage: "1-preflight" });
    await journal.close();
    await writeFile(path(), (await readFile(path(), "utf8")).replace("alice", "mallory"));
    await expect(Journal.open(store, "r-1", Date.now)).rejects.toMatchObject({
      code: "bad-journal",
      details: { line: 1 },
    });
  });

  it("writes nothing for a record that may not follow, and goes on", async () => {
    const journal = await Journal.open(store, "r-1", Date.now);
    await journal.append(START);
    await expect(journal.append({ type: "stage.done", stage: "1-preflight" })).rejects.toThrow(
      IllegalRecord,
    );
    await journal.append({ type: "stage.enter", stage: "1-preflight" });
    await journal.close();
    expect((await readHistory(store, "r-1")).status?.seq).toBe(2);
  });

  it("keeps the order of appends that are asked for at once", async () => {
    const journal = await Journal.open(store, "r-1", Date.now);
    await Promise.all([
      journal.append(START),
      journal.append({ type: "stage.enter", stage: "1-preflight" }),
      journal.append({ type: "step.done", step: "s1" }),
    ]);
    await journal.close();
    expect((await readHistory(store, "r-1")).records.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it("is readable after its writer was killed in the middle of appends, with everything that was reported", async () => {
    const dist = resolve(import.meta.dirname, "../../dist/lib");
    const child = spawn(process.execPath, [
      resolve(import.meta.dirname, "appender.js"),
      dist,
      directory,
      "r-1",
      JSON.stringify(START),
    ]);
    let reported = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      reported += chunk.toString().split("\n").length - 1;
      if (reported > 40) child.kill("SIGKILL");
    });
    await once(child, "close");
    const { records } = await readHistory(store, "r-1");
    expect(reported).toBeGreaterThan(40);
    expect(records.length).toBeGreaterThanOrEqual(reported);
    const journal = await Journal.open(store, "r-1", Date.now);
    await journal.append({ type: "run.stopped", reason: "failed", step: null, error: null });
    await journal.close();
  });
});
