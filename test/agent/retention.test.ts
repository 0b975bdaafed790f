import { afterEach, beforeEach, expect, test } from "vitest";
import { Retention, type RetentionLimits } from "../../src/lib/agent/server/retention.js";
import type { Engine } from "../../src/lib/engines/contract.js";
import { placeOf } from "../../src/lib/engines/place.js";
import { primaryStore, type Store } from "./store.js";

const RECORDS = 400;
const VALUE = Buffer.alloc(4_000, "v");
const HOUR = 3_600_000;
const limits: RetentionLimits = { keepBytes: 400_000, silentMs: HOUR, graceMs: 0, everyMs: HOUR };

let store: Store;
let engine: Engine;
let retention: Retention;

function fail(error: unknown): never {
  throw error;
}

function retain(maxBytes: number, more: Partial<RetentionLimits> = {}): Retention {
  retention = new Retention(engine, maxBytes, fail, { ...limits, ...more });
  return retention;
}

beforeEach(async () => {
  store = await primaryStore();
  ({ engine } = store);
  await engine.write((txn) => {
    for (let i = 0; i < RECORDS; i += 1) {
      txn.change({ keyspace: "p", place: placeOf(5n, `5/${i}`), value: VALUE }, null);
    }
  });
});
afterEach(async () => {
  retention.close();
  await store.remove();
});

test("a log that nobody needs is cut down to what is kept, and no further", async () => {
  await retain(1e9).trim();
  const { first, last, bytes } = engine.log();
  expect(last).toBe(BigInt(RECORDS));
  expect(first).toBeGreaterThan(1n);
  expect(bytes).toBeLessThan(limits.keepBytes * 1.5);
  expect(bytes).toBeGreaterThan(limits.keepBytes * 0.5);
  // Who asks for what was cut is told so: the floor of the entry has risen.
  expect(engine.entryAt("p", 5n)!.floor).toEqual({ generation: 1n, index: first - 1n });
});

test("a small log stays whole", async () => {
  await retain(1e9, { keepBytes: 1e9 }).trim();
  expect(engine.log().first).toBe(1n);
});

test("the slowest follower keeps what it lacks, and lets go of it when it has moved on", async () => {
  const kept = retain(1e9);
  kept.hold("slow/p", 10n, true);
  kept.hold("fast/p", 390n, true);
  await kept.trim();
  expect(engine.log().first).toBe(11n);
  kept.hold("slow/p", 350n, false);
  await kept.trim();
  expect(engine.log().first).toBeGreaterThan(200n);
});

test("a late acknowledgement does not move a follower back, only a new beginning does", () => {
  const kept = retain(1e9);
  kept.hold("f/p", 100n, true);
  kept.hold("f/p", 50n, false);
  expect(kept.followers()).toEqual([{ id: "f/p", through: 100n }]);
  kept.hold("f/p", 50n, true);
  expect(kept.followers()).toEqual([{ id: "f/p", through: 50n }]);
});

test("above the bound the log is cut whoever needs it", async () => {
  const kept = retain(800_000);
  kept.hold("slow/p", 10n, true);
  await kept.trim();
  expect(engine.log().first).toBeGreaterThan(11n);
  expect(engine.log().bytes).toBeLessThan(800_000 * 1.25);
});

test("a follower that has been silent for long is forgotten", async () => {
  const kept = retain(1e9, { silentMs: -1 });
  kept.hold("gone/p", 10n, true);
  await kept.trim();
  expect(kept.followers()).toEqual([]);
  expect(engine.log().first).toBeGreaterThan(11n);
});

test("after a start nothing is cut until followers had time to come back", async () => {
  await retain(1_000, { graceMs: HOUR }).trim();
  expect(engine.log().first).toBe(1n);
});
