import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Frame, FrameReader } from "../../src/lib/agent/protocol/frames.js";
import { sendChanges } from "../../src/lib/agent/server/changes.js";
import { Holdings } from "../../src/lib/agent/server/holdings.js";
import { Retention } from "../../src/lib/agent/server/retention.js";
import type { Engine } from "../../src/lib/engines/contract.js";
import { placeOf } from "../../src/lib/engines/place.js";
import { openEngine } from "../../src/lib/engines/registry.js";

/** More than one page of the log, and more than the stream takes before it is read. */
const RECORDS = 1_000;
const VALUE = Buffer.alloc(4_000, "v");

let directory: string;
let engine: Engine;
let retention: Retention;

function fail(error: unknown): never {
  throw error;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ops-changes-"));
  engine = await openEngine("embedded", directory, { onFatal: fail });
  retention = new Retention(engine, 1e9, fail);
  const floor = { generation: 0n, index: 0n };
  await engine.write((txn) => {
    const ownership = { role: "primary", generation: 1n, handed: null } as const;
    txn.putEntry({ keyspace: "p", lo: 0n, hi: 100n, ownership, link: null, floor, reigns: [] });
    for (let i = 0; i < RECORDS; i += 1) {
      txn.change({ keyspace: "p", place: placeOf(5n, `5/${i}`), value: VALUE }, null);
    }
  });
});
afterEach(async () => {
  retention.close();
  await engine.close();
  await rm(directory, { recursive: true });
});

/** A stream from `index` on, that is read when `read` is called; it stops where the source ends the segment, or is at its head. */
function open(holdings: Holdings, index: bigint) {
  const out = new PassThrough();
  const stopping = new AbortController();
  const from = { generation: index === 0n ? 0n : 1n, index };
  const ask = { keyspace: "p", node: "f", segments: [{ lo: 0n, hi: 100n, from }] };
  const sending = sendChanges({ engine, holdings, retention }, ask, out, stopping.signal);
  // The end of the reading ends the sending.
  sending.catch(() => undefined);
  return async function read(): Promise<Frame[]> {
    const frames: Frame[] = [];
    const reader = new FrameReader();
    for await (const chunk of out) {
      frames.push(...reader.push(chunk as Buffer));
      const last = frames.at(-1);
      if (last?.type === "progress" && last.sent === last.head) break;
    }
    stopping.abort();
    await sending.catch(() => undefined);
    return frames;
  };
}

/** How many changes came in an unbroken row from `index` on, and what the source said then. */
function told(frames: readonly Frame[], index: bigint) {
  let at = index;
  for (const frame of frames) {
    if (frame.type !== "change" && frame.type !== "moved") continue;
    expect(frame.prev.index).toBe(at);
    if (frame.type === "change") expect(frame.at.index).toBe(at + 1n);
    at = frame.at.index;
  }
  return { at, unserved: frames.flatMap((one) => (one.type === "unserved" ? [one.reason] : [])) };
}

test("a follower gets every change, one after the other, of a log that is whole", async () => {
  const frames = await open(new Holdings(engine), 3n)();
  expect(told(frames, 3n)).toEqual({ at: BigInt(RECORDS), unserved: [] });
});

test("a follower that comes after a trim to before it is told to copy anew, and skips nothing", async () => {
  // They do not hear of a trim: no entry has changed its owner.
  const holdings = new Holdings(engine);
  await engine.trim(8n, 100);
  expect(told(await open(holdings, 2n)(), 2n)).toEqual({ at: 2n, unserved: ["trimmed"] });
  expect(told(await open(holdings, 8n)(), 8n)).toEqual({ at: BigInt(RECORDS), unserved: [] });
});

test("a follower that is overtaken by a trim while it reads is told to copy anew, and skips nothing", async () => {
  const read = open(new Holdings(engine), 0n);
  await engine.trim(BigInt(RECORDS) - 10n, RECORDS);
  const { at, unserved } = told(await read(), 0n);
  expect(unserved).toEqual(["trimmed"]);
  expect(at).toBeLessThan(BigInt(RECORDS) - 10n);
});
