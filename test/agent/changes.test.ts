import { once } from "node:events";
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

/** The engine, which counts how often it is read within one turn of the event loop, and refuses what would go on for ever. */
function watched(log: Engine["log"] = () => engine.log()) {
  let [reads, most] = [0, 0];
  const read: Engine["read"] = () => {
    if (reads === 0) setImmediate(() => (reads = 0));
    most = Math.max(most, (reads += 1));
    if (reads > 1_000) throw new Error("it is read on and on in one turn of the event loop");
    return engine.read();
  };
  const other = { read, log };
  const source = new Proxy(engine, {
    get(target, name) {
      const value: unknown = Reflect.get(name in other ? other : target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  return { source, mostReads: () => most };
}

/** A stream from `index` on, that is read when `read` is called; it stops where the source ends the segment, or is at its head. */
function open(holdings: Holdings, index: bigint, source = engine, read?: bigint) {
  const out = new PassThrough();
  const stopping = new AbortController();
  const from = { generation: index === 0n ? 0n : 1n, index };
  const segment = { lo: 0n, hi: 100n, from, ...(read === undefined ? {} : { read }) };
  const ask = { keyspace: "p", node: "f", segments: [segment] };
  const sending = sendChanges({ engine: source, holdings, retention }, ask, out, stopping.signal);
  // The end of the reading ends the sending, and the other way round.
  sending.catch((error: unknown) => {
    if (!stopping.signal.aborted) out.destroy(error as Error);
  });
  return async () => {
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

/** So many pages of the log in which there is nothing of keyspace `p`. */
async function writeOthers(pages: number): Promise<void> {
  await engine.write((txn) => {
    const ownership = { role: "primary", generation: 1n, handed: null } as const;
    const floor = { generation: 0n, index: 0n };
    txn.putEntry({ keyspace: "q", lo: 0n, hi: 100n, ownership, link: null, floor, reigns: [] });
    for (let i = 0; i < pages * 4_000; i += 1)
      txn.change({ keyspace: "q", place: placeOf(5n, `5/${i}`), value: Buffer.from("v") }, null);
  });
}

test("a follower that has read what is of others is not sent over it again, and misses nothing after it", async () => {
  await writeOthers(5);
  const { last } = engine.log();
  await engine.write((txn) =>
    txn.change({ keyspace: "p", place: placeOf(5n, "5/new"), value: VALUE }, null),
  );
  const frames = await open(new Holdings(engine), BigInt(RECORDS), engine, last)();
  const changes = frames.filter((frame) => frame.type === "change");
  expect(changes).toMatchObject([{ prev: { index: BigInt(RECORDS) }, at: { index: last + 1n } }]);
  expect(frames.filter(({ type }) => type === "progress")).toHaveLength(1);
  // Of a log that it cannot be of nothing is left out.
  const whole = await open(new Holdings(engine), 3n, engine, last + 100n)();
  expect(whole.filter(({ type }) => type === "change")).toHaveLength(RECORDS - 3 + 1);
});

test("a follower that passes over what is of others leaves the agent its turns between two pages", async () => {
  const pages = 5;
  await writeOthers(pages);
  const { source, mostReads } = watched();
  const frames = await open(new Holdings(engine), BigInt(RECORDS), source)();
  expect(frames.filter(({ type }) => type === "progress").length).toBeGreaterThanOrEqual(pages);
  expect(frames.some(({ type }) => type === "change")).toBe(false);
  // The one that opens the stream, and a page.
  expect(mostReads()).toBeLessThanOrEqual(2);
});

test("a commit that is told of before the views show it is waited for, and the agent keeps its turns", async () => {
  const shown = new AbortController();
  const log: Engine["log"] = () => {
    const now = engine.log();
    if (shown.signal.aborted) return now;
    setImmediate(() => shown.abort());
    return { ...now, last: now.last + 1n };
  };
  const { source, mostReads } = watched(log);
  const out = new PassThrough();
  const stopping = new AbortController();
  const at = { generation: 1n, index: BigInt(RECORDS) };
  const ask = { keyspace: "p", node: "f", segments: [{ lo: 0n, hi: 100n, from: at }] };
  const deps = { engine: source, holdings: new Holdings(engine), retention };
  const sending = sendChanges(deps, ask, out, stopping.signal);
  out.resume();
  await Promise.race([sending, once(shown.signal, "abort")]);
  stopping.abort();
  await expect(sending).rejects.toThrow("aborted");
  expect(mostReads()).toBeLessThanOrEqual(2);
});
