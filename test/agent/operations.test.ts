import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeJson } from "../../src/lib/agent/protocol/json.js";
import type { OperationRequest } from "../../src/lib/agent/protocol/operation.js";
import { EndedOperations } from "../../src/lib/agent/server/ended-operations.js";
import { Operations, type Perform } from "../../src/lib/agent/server/operations.js";
import type { Engine } from "../../src/lib/engines/contract.js";
import { openEngine } from "../../src/lib/engines/registry.js";
import { authority } from "./nodes.js";

const KEPT = 5_000;
const MORE = 120;
const REPORTS = 1_000;
const counted = { total: null, unit: "rows", rate: null } as const;
const request: OperationRequest = { kind: "verify", keyspace: "p", lo: 0n, hi: 10n };
/** Does nothing, but for what reports, and what waits until it is told to end. */
const perform: Perform = async (_, task) => {
  const { id, signal } = task;
  if (id.startsWith("reports")) {
    for (let done = 1; done <= REPORTS; done += 1) task.report("counting", { ...counted, done });
    if (id.startsWith("reports-once")) return {};
  }
  if (!id.startsWith("endless") && !id.startsWith("reports")) return {};
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  throw new Error("was told to end");
};

let directory: string;
let engine: Engine;
let operations: Operations;

async function open(): Promise<void> {
  const fail = (error: unknown): never => {
    throw error;
  };
  engine = await openEngine("embedded", directory, { onFatal: fail });
  operations = new Operations(engine, perform);
  await operations.recover(new Date().toISOString());
}

async function close(): Promise<void> {
  await operations.close();
  await engine.close();
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ops-operations-"));
  await open();
});
afterEach(async () => {
  await close();
  await rm(directory, { recursive: true });
});

const put = (id: string) => operations.put(id, request, authority, () => undefined);
const stored = () => engine.documents("operations").map(({ id }) => id);
const name = (i: number) => `op-${String(i).padStart(6, "0")}`;

const ended = async (id: string) =>
  operations.wait(id, Number.MAX_SAFE_INTEGER, 30_000, AbortSignal.any([]));

/** Puts operations and waits until all of them have ended. */
async function run(from: number, to: number): Promise<void> {
  const ids = Array.from({ length: to - from }, (_, i) => name(from + i));
  await Promise.all(ids.map(put));
  await Promise.all(ids.map(ended));
}

test("those that ended longest ago are forgotten while the agent runs, and nothing that runs is", async () => {
  await put("endless-1");
  await run(0, KEPT);
  expect(stored()).toHaveLength(KEPT + 1);
  await run(KEPT, KEPT + MORE);
  expect(stored()).toHaveLength(KEPT + 1);
  expect(operations.all()).toHaveLength(KEPT + 1);
  expect(operations.get("endless-1").state).toBe("running");
  expect(() => operations.get(name(0))).toThrow("knows no operation");
  expect(() => operations.get(name(MORE - 1))).toThrow("knows no operation");
  expect(operations.get(name(MORE)).state).toBe("succeeded");
  expect(operations.get(name(KEPT + MORE - 1)).state).toBe("succeeded");
});

test("what was interrupted counts as ended until it is taken up again, over a restart", async () => {
  await put("endless-1");
  await run(0, KEPT);
  await close();
  await open();
  expect(stored()).toHaveLength(KEPT);
  expect(() => operations.get(name(0))).toThrow("knows no operation");
  expect(operations.get("endless-1").state).toBe("interrupted");
  await put("endless-1");
  await run(KEPT, 2 * KEPT);
  expect(stored()).toHaveLength(KEPT + 1);
  expect(operations.get("endless-1").state).toBe("running");
  expect(() => operations.get(name(KEPT - 1))).toThrow("knows no operation");
  expect(operations.get(name(KEPT)).state).toBe("succeeded");
});

test("of a thousand reports made at once two are told, and the last one is never lost", async () => {
  const signal = AbortSignal.any([]);
  const last = { progress: { done: REPORTS } };
  await put("reports-once");
  const once = await ended("reports-once");
  expect(once).toMatchObject({ state: "succeeded", ...last });
  expect(once.rev).toBeLessThan(6);

  let seen = await put("reports-on");
  let polls = 0;
  for (; seen.progress?.done !== REPORTS; polls += 1)
    seen = await operations.wait("reports-on", seen.rev, 30_000, signal);
  expect(seen).toMatchObject({ state: "running", ...last });
  expect(polls).toBeLessThan(4);
});

test("those that ended longest ago are forgotten too when all together are too large, over a restart", async () => {
  await put("one-of-them");
  const { length } = encodeJson(await ended("one-of-them"));
  // All are of about that size: their revisions and times have as many digits.
  const bytes = 10 * length + length / 2;
  const few = () =>
    new Operations(engine, perform, new EndedOperations({ operations: KEPT, bytes }));
  operations = few();
  await operations.recover(new Date().toISOString());
  for (let i = 0; i < 30; i += 1) await run(i, i + 1);
  expect(operations.all()).toHaveLength(10);
  await close();
  await open();
  expect(stored()).toHaveLength(10);
  expect(() => operations.get(name(19))).toThrow("knows no operation");
  expect(operations.get(name(29)).state).toBe("succeeded");

  // One that is too large by itself is remembered until the next one has ended.
  operations = few();
  await operations.recover(new Date().toISOString());
  const also = Array.from({ length: 1_000 }, (_, i) => ({
    lo: 10n + BigInt(i),
    hi: 11n + BigInt(i),
  }));
  await operations.put("large-one", { ...request, also }, authority, () => undefined);
  expect(await ended("large-one")).toMatchObject({ state: "succeeded" });
  expect(stored()).toEqual(["large-one"]);
  await run(30, 31);
  expect(stored()).toEqual([name(30)]);
});
