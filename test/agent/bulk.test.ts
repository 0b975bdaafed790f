import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import { encodeFrame } from "../../src/lib/agent/protocol/frame-writer.js";
import { Drops } from "../../src/lib/agent/server/drops.js";
import { Holdings } from "../../src/lib/agent/server/holdings.js";
import { Links } from "../../src/lib/agent/server/links.js";
import type { Context } from "../../src/lib/agent/server/operations/context.js";
import { discard } from "../../src/lib/agent/server/operations/discard.js";
import { drop } from "../../src/lib/agent/server/operations/drop.js";
import { init, retract } from "../../src/lib/agent/server/operations/init.js";
import { link } from "../../src/lib/agent/server/operations/link.js";
import { sync } from "../../src/lib/agent/server/operations/sync.js";
import { takeover } from "../../src/lib/agent/server/operations/takeover.js";
import { verify } from "../../src/lib/agent/server/operations/verify.js";
import type { Engine, StoredEntry, Txn } from "../../src/lib/engines/contract.js";
import { openEngine } from "../../src/lib/engines/registry.js";
import { following, reigning } from "../../src/lib/ownership/permissions.js";
import { ORIGIN } from "../../src/lib/ownership/position.js";

const COUNT = 300;
const SOURCE = { node: "s", url: "http://127.0.0.1:9" };
const SEGMENTS = Array.from({ length: COUNT }, (_, i) => ({
  lo: BigInt(i) * 10n,
  hi: BigInt(i) * 10n + 10n,
}));
const [FIRST, ...ALSO] = SEGMENTS as [(typeof SEGMENTS)[0], ...typeof SEGMENTS];
const ALL = { keyspace: "p", ...FIRST, also: ALSO };
const LINK = { sharding: "range", link: "l", source: SOURCE, purpose: "move" } as const;

let directory: string;
let engine: Engine;
let holdings: Holdings;
let context: Context;
let links: Links | null;
/** How often everything that the node holds, or drops, was gone over. */
let gone: { entries: number; drops: number; refreshes: number; writes: number };
const task = (signal = new AbortController().signal) => ({
  id: "op-1",
  signal,
  report: () => undefined,
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ops-bulk-"));
  const fail = (error: unknown): never => {
    throw error;
  };
  gone = { entries: 0, drops: 0, refreshes: 0, writes: 0 };
  engine = counting(await openEngine("embedded", directory, { onFatal: fail }));
  holdings = new Holdings(engine);
  links = null;
  holdings.onChange(() => (gone.refreshes += 1));
  const routes = { mayLeadTo: () => false, segmentAt: () => null };
  const [self, drops] = [() => ({ node: "t", url: "http://t" }), new Drops(engine, fail)];
  const idle = { reconcile: () => undefined, feedOf: () => null };
  context = { self, engine, holdings, drops, routes, links: idle } as unknown as Context;
});
afterEach(async () => {
  links?.close();
  await context.drops.close();
  await engine.close();
  await rm(directory, { recursive: true });
});

/** The engine, and what is asked of it counted. */
function counting(real: Engine): Engine {
  const watch = <T extends object>(of: T, calls: Partial<T>): T =>
    new Proxy(of, {
      get: (target, name) => {
        const known = calls[name as keyof T] ?? (Reflect.get(target, name, target) as unknown);
        return typeof known === "function" ? (known.bind(target) as unknown) : known;
      },
    });
  const entries = (all: () => readonly StoredEntry[]) => () => {
    gone.entries += 1;
    return all();
  };
  return watch<Engine>(real, {
    entries: entries(() => real.entries()),
    drops: () => {
      gone.drops += 1;
      return real.drops();
    },
    write: async <T>(work: (txn: Txn) => T) => {
      gone.writes += 1;
      return real.write((txn) => work(watch<Txn>(txn, { entries: entries(() => txn.entries()) })));
    },
  });
}

async function holdCopies(copy: Partial<NonNullable<StoredEntry["link"]>> = {}): Promise<void> {
  const { source, purpose, link: id } = LINK;
  const streaming = { phase: "streaming", readableFrom: ORIGIN } as const;
  const more = { verified: false, bytesPerSecond: null, copy: streaming, ...copy };
  await engine.write((txn) => {
    for (const segment of SEGMENTS) {
      const stored = { id, source, purpose, ...more };
      const entry = { keyspace: "p", ...segment, ownership: following("s"), link: stored };
      txn.putEntry({ ...entry, floor: ORIGIN, reigns: [] });
    }
  });
  holdings.refresh();
  for (const key of ["entries", "drops", "refreshes", "writes"] as const) gone[key] = 0;
}

test("what is made, linked, undone or deleted of many segments goes over all entries and all drops a few times", async () => {
  const few = { entries: 3, drops: 3, refreshes: 1, writes: 1 };
  const expectFew = (what: string) => {
    for (const [name, most] of Object.entries(few))
      expect(gone[name as keyof typeof gone], `${name}, ${what}`).toBeLessThanOrEqual(most);
    for (const name of Object.keys(few)) gone[name as keyof typeof gone] = 0;
  };
  await init(context, { kind: "init", ...ALL, sharding: "range" }, task());
  expect(holdings.all()).toHaveLength(COUNT);
  expectFew("init");
  await retract(context, { kind: "retract", ...ALL }, task());
  expect(holdings.all()).toHaveLength(0);
  expectFew("retract");
  await link(context, { kind: "link", ...ALL, ...LINK, bytesPerSecond: null }, task());
  expect(holdings.all()).toHaveLength(COUNT);
  expectFew("link");
  const also = ALSO.map((segment) => ({ ...segment, generation: 1n }));
  const deleted = { kind: "discard", ...ALL, generation: 1n, also } as const;
  await discard(context, deleted, task());
  expect(holdings.all()).toHaveLength(0);
  expectFew("discard");
});

test("what waits for the last of many copies looks at the others again only when it is there", async () => {
  await holdCopies();
  for (const { link: state } of holdings.all()) {
    state.enter("streaming");
    state.caughtUpAt = performance.now();
  }
  const last = holdings.at("p", SEGMENTS.at(-1)!.lo)!;
  last.link.enter("catching-up");
  let looks = 0;
  let looksAtLast = 0;
  const covering = holdings.covering.bind(holdings);
  holdings.covering = (keyspace, lo, hi) => {
    looks += 1;
    if (lo === last.lo) looksAtLast += 1;
    return covering(keyspace, lo, hi);
  };
  const ended = sync(context, { kind: "sync", ...ALL, maxLagMs: 3_600_000 }, task());
  await vi.waitUntil(() => looksAtLast >= 30, { timeout: 60_000 });
  last.link.enter("streaming");
  await ended;
  // Once for each report, once until it was found to be behind, and twice at the end.
  expect(looks).toBeLessThan(15 * COUNT);
});

test("many copies that are equal are marked in a few transactions, without a refresh for each", async () => {
  await holdCopies();
  const pinned = { position: ORIGIN, head: 0n };
  const peers = {
    digest: async () => ({
      pinned,
      digest: async () => {
        const view = engine.read();
        return view.digest("p", FIRST, null, 10).finally(() => view.close());
      },
      abandon: () => undefined,
    }),
  };
  const feed = {
    pinAt: async (_: unknown, pin: () => Promise<unknown>) => {
      await pin();
      return engine.read();
    },
  };
  Object.assign(context, { peers, links: { feedOf: () => feed } });
  const result = await verify(context, { kind: "verify", ...ALL }, task());
  expect(result).toMatchObject({ chunks: COUNT });
  expect(engine.entries().every((entry) => entry.link?.verified)).toBe(true);
  expect(holdings.all().every(({ entry }) => entry.link?.verified)).toBe(true);
  expect(gone.refreshes).toBe(0);
  expect(gone.writes).toBeLessThan(COUNT / 4);
});

test("copies that end one soon after the other join the stream together", async () => {
  let streams = 0;
  let snapshots = 0;
  const peers = {
    snapshot: async () => {
      snapshots += 1;
      const frames = [
        { type: "pinned", at: ORIGIN },
        { type: "page-end", complete: true },
      ] as const;
      return { frames: Readable.from(frames.map(encodeFrame)), foregroundP99Ms: 0 };
    },
    changes: async (_url: string, _ask: unknown, signal: AbortSignal) => {
      streams += 1;
      const frames = new Readable({ read: () => undefined, signal });
      return { frames, process: "s-1" };
    },
  };
  // What waits for others to join waits until all have been copied.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    await holdCopies({ copy: { phase: "copying", first: null, last: null, key: null } as never });
    const routes = { onChange: () => () => undefined, windowBetween: () => 0 };
    links = new Links({ self: "t", engine, holdings, peers, routes } as never);
    links.reconcile();
    const copied = () =>
      engine.entries().filter((entry) => entry.link?.copy.phase === "streaming").length;
    // Not `vi.waitUntil`, which lets the faked time pass.
    const joined = () => streams > 0;
    while (copied() < COUNT || !joined()) await sleep(10);
    expect(snapshots).toBe(COUNT);
    expect(streams).toBe(1);
    expect(gone.refreshes).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

function heldParts() {
  const also = ALSO.map((segment) => ({ ...segment, link: "l", generation: 1n }));
  return { kind: "drop", ...ALL, link: "l", generation: 1n, also } as const;
}

test("of many copies a source that does not answer is asked about the first ones only, and not after the end of the operation", async () => {
  await holdCopies();
  let asked = 0;
  let hangs = false;
  const reign = async (url: string, _ask: unknown, signal: AbortSignal) => {
    asked += 1;
    if (hangs) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    throw new AgentProblem(url, { unreachable: new Error("timeout"), sent: true });
  };
  Object.assign(context, { peers: { reign } });
  await expect(drop(context, heldParts(), task())).rejects.toMatchObject({
    problem: { code: "peer-unreachable" },
  });
  expect(asked).toBeLessThan(COUNT / 5);

  asked = 0;
  hangs = true;
  const stopped = new AbortController();
  const ended = drop(context, heldParts(), task(stopped.signal));
  stopped.abort();
  await expect(ended).rejects.toThrow("aborted");
  expect(asked).toBeLessThan(COUNT / 5);
});

test("a takeover that fails where an earlier one had taken over a part says that it is partial", async () => {
  await holdCopies();
  const { lo, hi } = FIRST;
  await engine.write((txn) => {
    const { link: _, ...entry } = txn.entry("p", { lo, hi })!;
    txn.deleteEntry("p", entry);
    txn.putEntry({ ...entry, ownership: reigning(2n), link: null });
  });
  holdings.refresh();
  const asked = { kind: "takeover", ...ALL, generation: 2n, budgetMs: 1_000 } as const;
  await expect(takeover(context, asked, task())).rejects.toMatchObject({
    problem: { code: "not-ready", outcome: "partial" },
  });
});
