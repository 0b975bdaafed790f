import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FrameReader } from "../../src/lib/agent/protocol/frame-reader.js";
import type { Frame } from "../../src/lib/agent/protocol/frames.js";
import { sendChanges } from "../../src/lib/agent/server/changes.js";
import { Holdings } from "../../src/lib/agent/server/holdings.js";
import { Retention } from "../../src/lib/agent/server/retention.js";
import { SyncTraffic } from "../../src/lib/agent/server/sync-traffic.js";
import { Windows } from "../../src/lib/agent/server/windows.js";
import type { Engine } from "../../src/lib/engines/contract.js";
import { keyOf, placeOf } from "../../src/lib/engines/place.js";
import type { LogPosition } from "../../src/lib/ownership/types.js";
import { followerStore } from "./store.js";
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

function deps() {
  return {
    retention,
    windows: new Windows(),
    traffic: new SyncTraffic(() => "east"),
    onOpen: () => () => {},
  };
}

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
  const sending = sendChanges({ ...deps(), engine: source, holdings }, ask, out, stopping.signal);
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
  const own = { ...deps(), engine: source, holdings: new Holdings(engine) };
  const sending = sendChanges(own, ask, out, stopping.signal);
  out.resume();
  await Promise.race([sending, once(shown.signal, "abort")]);
  stopping.abort();
  await expect(sending).rejects.toThrow("aborted");
  expect(mostReads()).toBeLessThanOrEqual(2);
});

const FRESH: LogPosition = { generation: 1n, index: BigInt(RECORDS) };

/** A stream of which what comes is looked at frame by frame. */
function follow(from: LogPosition, windowMs: number, lanes = [{ lo: 0n, hi: 100n }]) {
  const out = new PassThrough();
  const stopping = new AbortController();
  const windows = new Windows();
  const segments = lanes.map((lane) => ({ ...lane, from }));
  const ask = { keyspace: "p", node: "f", windowMs, segments };
  const own = { ...deps(), windows, engine, holdings: new Holdings(engine) };
  const sending = sendChanges(own, ask, out, stopping.signal);
  sending.catch((error: unknown) => {
    if (!stopping.signal.aborted) out.destroy(error as Error);
  });
  const reader = new FrameReader();
  const chunks = out[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const ready: Frame[] = [];
  const next = async (): Promise<Frame> => {
    while (ready.length === 0) ready.push(...reader.push((await chunks.next()).value as Buffer));
    return ready.shift()!;
  };
  return {
    windows,
    traffic: own.traffic,
    /** The next frame that matches; those before it are in `passed`. */
    async until(matches: (frame: Frame) => boolean): Promise<{ frame: Frame; passed: Frame[] }> {
      const passed: Frame[] = [];
      for (;;) {
        const frame = await next();
        if (matches(frame)) return { frame, passed };
        passed.push(frame);
      }
    },
    /** Until it waits at the end of the log: it has looked twice, and says so again. */
    async idle(): Promise<void> {
      for (let left = 3; left > 0; left -= 1) await this.until(({ type }) => type === "progress");
    },
    async stop(): Promise<void> {
      stopping.abort();
      await sending.catch(() => undefined);
    },
  };
}

const isStep = ({ type }: Frame) => type === "change" || type === "changes" || type === "moved";
const put = (key: string, value: string | null, uid = 5n) =>
  engine.write((txn) =>
    txn.change(
      {
        keyspace: "p",
        place: placeOf(uid, key),
        value: value === null ? null : Buffer.from(value),
      },
      null,
    ),
  );
const shown = (frame: Frame) =>
  frame.type === "changes"
    ? frame.changes.map(({ place, value }) => `${keyOf(place)} ${value?.toString() ?? "deleted"}`)
    : [];

test("what comes within a window is one step with the last value of each key, sent once the window ends", async () => {
  const stream = follow(FRESH, 60_000);
  await stream.idle();
  for (let i = 0; i < 50; i += 1) await put("5/hot", `${i}`);
  await put("5/other", "x");
  await put("5/gone", "y");
  await put("5/gone", null);
  stream.windows.end("p");
  const { frame, passed } = await stream.until(isStep);
  // While it is held back, nobody is told that the copy has everything.
  for (const one of passed)
    if (one.type === "progress" && one.head > FRESH.index) expect(one.sent).toBe(FRESH.index);
  expect(frame).toMatchObject({
    type: "changes",
    prev: FRESH,
    at: { index: FRESH.index + 53n },
    after: FRESH.index,
    of: 53,
  });
  expect(shown(frame)).toEqual(["5/hot 49", "5/other x", "5/gone deleted"]);
  const [count] = stream.traffic.all();
  expect(count!.plainBytes - count!.sentBytes).toBeGreaterThan(50 * 44);
  await stream.stop();
});

test("a comparison in the middle of a window ends it exactly where the comparison is", async () => {
  const stream = follow(FRESH, 60_000);
  await stream.idle();
  await put("5/a", "1");
  await put("5/a", "2");
  const cut = FRESH.index + 2n;
  await put("5/a", "3");
  stream.windows.cut("p", cut);
  const first = await stream.until(isStep);
  expect(first.frame).toMatchObject({ at: { index: cut }, of: 2 });
  expect(await stream.until(({ type }) => type === "progress")).toMatchObject({
    frame: { sent: cut },
    passed: [],
  });
  stream.windows.end("p", "somebody else");
  stream.windows.end("p", "f");
  const last = await stream.until(isStep);
  expect(last.frame).toMatchObject({
    type: "change",
    prev: { index: cut },
    at: { index: cut + 1n },
  });
  await stream.stop();
});

test("each segment of a stream has steps of its own, and a change of the entries ends a window", async () => {
  await engine.write((txn) => txn.splitEntry("p", 50n));
  const stream = follow(FRESH, 60_000, [
    { lo: 50n, hi: 100n },
    { lo: 0n, hi: 50n },
  ]);
  await stream.idle();
  await put("5/a", "1");
  await put("60/b", "2", 60n);
  await put("5/a", "3");
  await put("60/b", "4", 60n);
  stream.windows.end("p");
  const one = await stream.until(isStep);
  const two = await stream.until(isStep);
  expect(one.frame).toMatchObject({ segment: 1, at: { index: FRESH.index + 3n }, of: 2 });
  expect(two.frame).toMatchObject({ segment: 0, at: { index: FRESH.index + 4n }, of: 2 });
  await stream.stop();
});

test("a copy sends its steps whole, also to one that stands in the middle of one, and where a page of its log ends in one", async () => {
  const store = await followerStore(true);
  try {
    const count = 9_000;
    const places = Array.from({ length: count }, (_, i) => placeOf(5n, `5/${i}`));
    const changes = places.map((place) => ({ keyspace: "p", place, value: Buffer.from("v") }));
    const at = { generation: 1n, index: 50_000n };
    await store.engine.write((txn) => {
      txn.change(changes[0]!, { generation: 1n, index: 7n });
      txn.changeTogether(changes, at);
      txn.change(changes[1]!, { generation: 1n, index: 50_001n });
    });
    for (const windowMs of [0, 60_000]) {
      const from = { generation: 1n, index: 20_000n };
      const segments = [{ lo: 0n, hi: 100n, from }];
      const out = new PassThrough();
      const stopping = new AbortController();
      const own = { ...deps(), engine: store.engine, holdings: new Holdings(store.engine) };
      const ask = { keyspace: "p", node: "f", windowMs, segments };
      const sending = sendChanges(own, ask, out, stopping.signal);
      sending.catch(() => undefined);
      const reader = new FrameReader();
      const steps: Frame[] = [];
      for await (const chunk of out) {
        steps.push(...reader.push(chunk as Buffer).filter(isStep));
        const last = steps.at(-1);
        if (last !== undefined && "at" in last && typeof last.at === "object")
          if (last.at.index === 50_001n) break;
      }
      stopping.abort();
      await sending.catch(() => undefined);
      expect(steps[0]).toMatchObject({ type: "changes", prev: from });
      expect(steps.map(shown).map(({ length }) => length)).toEqual(
        windowMs === 0 ? [count, 0] : [count],
      );
    }
  } finally {
    await store.remove();
  }
});
