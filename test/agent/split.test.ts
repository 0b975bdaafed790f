import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Context } from "../../src/lib/agent/server/operations/context.js";
import { Drops } from "../../src/lib/agent/server/drops.js";
import { Holdings } from "../../src/lib/agent/server/holdings.js";
import { drop } from "../../src/lib/agent/server/operations/drop.js";
import { retract } from "../../src/lib/agent/server/operations/init.js";
import { Routes } from "../../src/lib/agent/server/routes.js";
import type { Engine, StoredEntry } from "../../src/lib/engines/contract.js";
import { openEngine } from "../../src/lib/engines/registry.js";
import { newCopy } from "../../src/lib/ownership/copy.js";
import { following, reigning } from "../../src/lib/ownership/permissions.js";
import { ORIGIN } from "../../src/lib/ownership/position.js";

const WHOLE = { keyspace: "p", lo: 0n, hi: 100n };
const source = { node: "s", url: "http://127.0.0.1:9" };
const task = { id: "op-1", signal: new AbortController().signal, report: () => undefined };

let directory: string;
let engine: Engine;
let holdings: Holdings;
let context: Context;

beforeEach(async () => {
  const fail = (error: unknown): never => {
    throw error;
  };
  directory = await mkdtemp(join(tmpdir(), "ops-split-"));
  engine = await openEngine("embedded", directory, { onFatal: fail });
  holdings = new Holdings(engine);
  // The primary elsewhere says that it reigns: nothing but the split speaks against a drop.
  const peers = { reign: async () => ({ node: "s", generation: 1n }) };
  const [drops, routes] = [new Drops(engine, fail), new Routes(engine)];
  context = { engine, holdings, drops, routes, peers } as unknown as Context;
});
afterEach(async () => {
  await context.drops.close();
  await engine.close();
  await rm(directory, { recursive: true });
});

async function hold(held: Pick<StoredEntry, "ownership" | "link">): Promise<void> {
  await engine.write((txn) => txn.putEntry({ ...WHOLE, ...held, floor: ORIGIN, reigns: [] }));
  holdings.refresh();
}

/** Begins to cut the segment, and what must not get in its way while that is on its way to the disk. */
async function whileCut(refused: () => Promise<unknown>): Promise<void> {
  const [holding] = holdings.all();
  const cut = holdings.cut("p", 50n, 100n, (parts) => parts);
  await expect(refused()).rejects.toMatchObject({ problem: { status: 409, outcome: "none" } });
  // A fence, a takeover or another split could begin on it otherwise, and be lost with it.
  expect(holdings.isCurrent(holding!)).toBe(false);

  expect((await cut).map(({ lo, hi }) => [lo, hi])).toEqual([[50n, 100n]]);
  expect(engine.entries().map(({ lo, hi }) => [lo, hi])).toEqual([
    [0n, 50n],
    [50n, 100n],
  ]);
  expect(holdings.all().every((part) => holdings.isCurrent(part))).toBe(true);
  expect(engine.drops()).toEqual([]);
}

test("a drop that comes while its segment is being split is refused, and leaves the split alone", async () => {
  const copy = { id: "l-1", source, purpose: "move", copy: newCopy(), verified: true } as const;
  await hold({ ownership: following("s"), link: { ...copy, bytesPerSecond: null } });
  const request = { kind: "drop", ...WHOLE, link: null, generation: 1n } as const;
  await whileCut(() => drop(context, request, task));
  // Once it is over, the parts go.
  await drop(context, request, task);
  expect(engine.entries()).toEqual([]);
});

test("a retract that comes while its segment is being split is refused, and leaves the split alone", async () => {
  await hold({ ownership: reigning(1n), link: null });
  const request = { kind: "retract", ...WHOLE } as const;
  await whileCut(() => retract(context, request, task));
  await retract(context, request, task);
  expect(engine.entries()).toEqual([]);
});
