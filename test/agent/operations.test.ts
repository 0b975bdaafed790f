import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { OperationRequest } from "../../src/lib/agent/protocol/operation.js";
import { Operations, type Perform } from "../../src/lib/agent/server/operations.js";
import type { Engine } from "../../src/lib/engines/contract.js";
import { openEngine } from "../../src/lib/engines/registry.js";
import { authority } from "./nodes.js";

const KEPT = 5_000;
const MORE = 120;
const request: OperationRequest = { kind: "verify", keyspace: "p", lo: 0n, hi: 10n };
/** Does nothing, but for what waits until it is told to end. */
const perform: Perform = async (_, { id, signal }) => {
  if (!id.startsWith("endless")) return {};
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

/** Puts operations and waits until all of them have ended. */
async function run(from: number, to: number): Promise<void> {
  const ids = Array.from({ length: to - from }, (_, i) => name(from + i));
  await Promise.all(ids.map(put));
  await Promise.all(
    ids.map((id) => operations.wait(id, Number.MAX_SAFE_INTEGER, 30_000, AbortSignal.any([]))),
  );
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
