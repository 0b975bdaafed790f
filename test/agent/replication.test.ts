import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LinkStatus, NodeStatus } from "../../src/lib/agent/protocol/node.js";
import { placeOf } from "../../src/lib/engines/place.js";
import { type Nodes, startNodes, type TestNode } from "./nodes.js";

const MIB = 1024 * 1024;

let nodes: Nodes;
let s: TestNode;
let t: TestNode;
let r: TestNode;

beforeAll(async () => {
  nodes = await startNodes("s", "t", "r");
  [s, t, r] = nodes.all as [TestNode, TestNode, TestNode];
}, 180_000);
afterAll(async () => nodes.stop(), 180_000);

interface Range {
  readonly lo: bigint;
  readonly hi: bigint;
}

let used = 0n;
/** A segment of its own for each test, with `s` as its primary. */
async function segment(): Promise<Range> {
  used += 1n;
  const range = { lo: used * 100_000n, hi: (used + 1n) * 100_000n };
  await s.must({ kind: "init", ...range, sharding: "range" });
  return range;
}

async function link(
  node: TestNode,
  source: TestNode,
  range: Range,
  bytesPerSecond: number | null = null,
): Promise<string> {
  const id = `link-${node.name}-${range.lo}`;
  await node.must({
    kind: "link",
    ...range,
    sharding: "range",
    link: id,
    source: source.ref,
    purpose: "move",
    bytesPerSecond,
  });
  return id;
}

async function sync(node: TestNode, range: Range) {
  return node.must({ kind: "sync", ...range, maxLagMs: 5_000 });
}

async function follow(node: TestNode, source: TestNode, range: Range): Promise<void> {
  await link(node, source, range);
  await sync(node, range);
  await node.must({ kind: "verify", ...range });
}

function linkOf({ entries }: NodeStatus, range: Range): LinkStatus | null {
  return entries.find(({ lo }) => lo === range.lo)?.link ?? null;
}

/** Whether the copy of the segment is exactly at the position `generation.index`. */
function reaches({ entries }: NodeStatus, range: Range, position: string): boolean {
  return entries.some(
    ({ lo, hi, cursor }) =>
      lo === range.lo && hi === range.hi && `${cursor.generation}.${cursor.index}` === position,
  );
}

async function linkAt(node: TestNode, range: Range): Promise<LinkStatus> {
  return linkOf(await node.api.node(), range)!;
}

async function copying(node: TestNode, range: Range): Promise<void> {
  await node.until("copied a part", (status) => {
    const found = linkOf(status, range);
    if (found !== null && found.phase !== "copying")
      throw new Error(`the copy is ${found.phase} already`);
    return (found?.rows ?? 0) > 0;
  });
}

test(
  "a copy made while clients write and delete equals its source",
  { timeout: 180_000 },
  async () => {
    const range = await segment();
    await s.load(range.lo, 3_000, 200);
    const stop = new AbortController();
    const writing = (async () => {
      for (let i = 0; !stop.signal.aborted; i += 1) {
        const key = `${range.lo + BigInt((i * 131) % 3_000)}/row`;
        await s.data(key, i % 3 === 0 ? { method: "DELETE" } : { method: "PUT", body: `new ${i}` });
      }
    })();
    try {
      await link(t, s, range, MIB / 2);
      await sync(t, range);
      // Also while the writing goes on: both sides are compared at one position.
      const verified = await t.must({ kind: "verify", ...range });
      expect(Number(verified["rows"])).toBeGreaterThan(0);
      expect(verified["position"]).toMatch(/^1\.\d+$/);
    } finally {
      stop.abort();
      await writing;
    }
    await t.must({ kind: "verify", ...range });
    expect(await linkAt(t, range)).toMatchObject({
      phase: "streaming",
      verified: true,
      restarts: 0,
      error: null,
    });
  },
);

test(
  "a copy of which one row differs, is lacking or too many is found out, and not promoted",
  { timeout: 300_000 },
  async () => {
    const range = await segment();
    await s.load(range.lo, 100, 50);
    await follow(t, s, range);
    const place = (uid: bigint) => placeOf(uid, `${uid}/row`);
    const uid = range.lo + 7n;
    const damages = [
      (original: Buffer) => ({
        value: Buffer.concat([original.subarray(1), Buffer.from("x")]) as Buffer | null,
        at: uid,
      }),
      () => ({ value: null, at: uid }),
      () => ({ value: Buffer.from("surplus"), at: range.hi - 1n }),
    ];
    for (const damage of damages) {
      await nodes.kill9(t);
      await t.offline(async (engine) => {
        const { value, at } = damage(engine.get("p", place(uid)) ?? Buffer.from("v"));
        await engine.write((txn) =>
          value === null ? txn.deleteRow("p", place(at)) : txn.putRow("p", place(at), value),
        );
      });
      await nodes.restart(t);
      await sync(t, range);
      const found = await t.run({ kind: "verify", ...range });
      expect(found).toMatchObject({
        state: "failed",
        error: { code: "digest-mismatch", outcome: "none" },
      });
      expect(found.error!.message).toContain(`[${range.lo}, ${range.hi}) differs from s`);
    }
    expect((await linkAt(t, range)).verified).toBe(false);
    expect(
      await t.run({ kind: "takeover", ...range, generation: 2n, budgetMs: 5_000 }),
    ).toMatchObject({ state: "failed", error: { code: "not-ready" } });
  },
);

test("a replica may follow a replica", { timeout: 180_000 }, async () => {
  const range = await segment();
  await s.load(range.lo, 200, 50);
  await follow(t, s, range);
  await follow(r, t, range);
  const position = (await s.put(`${range.lo}/late`, "through the chain")).headers.get(
    "ops-position",
  )!;
  // The position of a write is the same on every copy.
  await r.until("caught up", (status) => reaches(status, range, position));
  expect(await (await r.data(`${range.lo}/late`)).text()).toBe("through the chain");
  await r.must({ kind: "verify", ...range });
});

test(
  "a replica of a replica of what nobody writes is verified while the rest of the segment is written",
  { timeout: 180_000 },
  async () => {
    const range = await segment();
    const [cold, hot] = [range.lo + 1n, range.lo + 50_000n];
    const part = { lo: range.lo, hi: range.lo + 10_000n };
    await s.put(`${cold}/row`, "v");
    await follow(t, s, part);
    await follow(r, t, part);
    // The position of a segment is that of its source's whole entry: it moves at `t` without a change that is logged there.
    let last = "";
    for (let i = 0; i < 5; i += 1)
      last = (await s.put(`${hot}/row`, `v${i}`)).headers.get("ops-position")!;
    await t.until("stood where its source stands", (status) => reaches(status, part, last));
    expect(await r.must({ kind: "verify", ...part })).toMatchObject({ rows: 1, position: last });

    const stop = new AbortController();
    const writing = (async () => {
      for (let i = 0; !stop.signal.aborted; i += 1) await s.put(`${hot}/row`, `w${i}`);
    })();
    try {
      expect(await r.must({ kind: "verify", ...part })).toMatchObject({ rows: 1 });
    } finally {
      stop.abort();
      await writing;
    }
    expect(await (await r.data(`${cold}/row`)).text()).toBe("v");
  },
);

test(
  "a copy goes on where it was when its source is killed, and again when it is killed itself",
  { timeout: 300_000 },
  async () => {
    const range = await segment();
    await s.load(range.lo, 4_000, 2_000);
    await link(t, s, range, MIB);
    await copying(t, range);
    await nodes.kill9(s);
    await t.until("missed its source", (status) => (linkOf(status, range)?.error ?? null) !== null);
    const before = (await linkAt(t, range)).rows;
    await nodes.restart(s);
    await t.until("went on", (status) => (linkOf(status, range)?.rows ?? 0) > before);

    await nodes.kill9(t);
    await s.put(`${range.lo}/meanwhile`, "v");
    await s.data(`${range.lo}/row`, { method: "DELETE" });
    await nodes.restart(t);
    await t.must({ kind: "throttle", ...range, bytesPerSecond: null });
    const { rows, restarts } = await sync(t, range);
    // Only what was still to be copied.
    expect(Number(rows)).toBeLessThan(4_000);
    expect(restarts).toBe(0);
    expect(await t.must({ kind: "verify", ...range })).toMatchObject({ rows: 4_000 });
    expect((await t.data(`${range.lo}/row`)).status).toBe(404);
  },
);

test(
  "a copy can be pointed at another copy without a new snapshot",
  { timeout: 180_000 },
  async () => {
    const range = await segment();
    await s.load(range.lo, 500, 50);
    await follow(t, s, range);
    await follow(r, s, range);
    const { rows, id } = await linkAt(r, range);
    expect(await r.must({ kind: "repoint", ...range, source: t.ref })).toMatchObject({
      previous: [{ node: "s", url: s.url }],
    });
    const position = (await s.put(`${range.lo}/after`, "repointed")).headers.get("ops-position")!;
    const heard = await r.until("heard of it", (status) => reaches(status, range, position));
    expect(heard.entries.find(({ lo }) => lo === range.lo)!.source).toEqual(t.ref);
    await sync(r, range);
    await r.must({ kind: "verify", ...range });
    expect(await linkAt(r, range)).toMatchObject({ id, rows, restarts: 0 });
  },
);

test(
  "a follower that comes back too late for the log copies anew and says so, and deleted rows stay deleted",
  { timeout: 180_000 },
  async () => {
    const range = await segment();
    await s.load(range.lo, 300, 50);
    await follow(t, s, range);
    await nodes.kill9(t);
    await s.data(`${range.lo}/row`, { method: "DELETE" });
    await s.put(`${range.lo}/new`, "v");
    await nodes.kill9(s);
    await s.offline(async (engine) => {
      expect(await engine.trim(engine.log().last, 1_000_000)).toBeGreaterThan(0);
    });
    await nodes.restart(s);
    await nodes.restart(t);
    await t.until("began anew", (status) => linkOf(status, range)?.restarts === 1);
    expect(await sync(t, range)).toMatchObject({ restarts: 1 });
    expect((await linkAt(t, range)).verified).toBe(false);
    expect(await t.must({ kind: "verify", ...range })).toMatchObject({ rows: 300 });
    expect((await t.data(`${range.lo}/row`)).status).toBe(404);
  },
);

test(
  "the rate of a copy can be changed while it runs, and is shown with its reason",
  { timeout: 180_000 },
  async () => {
    const range = await segment();
    await s.load(range.lo, 3_000, 2_000);
    // At this rate it would take more than an hour.
    await link(t, s, range, 1_024);
    const limited = await t.until(
      "was throttled",
      (status) => linkOf(status, range)?.phase === "copying",
    );
    expect(linkOf(limited, range)!.throttle).toEqual({ bytesPerSecond: 1_024, reason: "limit" });
    await t.must({ kind: "throttle", ...range, bytesPerSecond: null });
    await sync(t, range);
    expect((await linkAt(t, range)).throttle).toEqual({ bytesPerSecond: null, reason: "none" });
    await t.must({ kind: "verify", ...range });
  },
);

test(
  "a primary and the only copy are not dropped; a follower is, also over kill -9",
  { timeout: 300_000 },
  async () => {
    const range = await segment();
    await s.load(range.lo, 12_000, 20);
    await follow(t, s, range);
    const drop = { kind: "drop", ...range, link: null, generation: 100n } as const;
    expect(await s.run(drop)).toMatchObject({
      state: "failed",
      error: { code: "not-droppable", outcome: "none" },
    });
    expect(await t.run({ ...drop, link: "another-link" })).toMatchObject({
      state: "failed",
      error: { code: "not-droppable" },
    });
    await nodes.kill9(s);
    expect(await t.run(drop)).toMatchObject({
      state: "failed",
      error: { code: "peer-unreachable" },
    });
    await nodes.restart(s);

    const dropping = t.run(drop, `drop-${range.lo}`);
    await sleep(30);
    await nodes.kill9(t);
    await nodes.restart(t);
    // Rows that were gone before the new process looked are not counted: see the histogram below.
    expect(await dropping).toMatchObject({ state: "succeeded" });
    const status = await t.api.node();
    expect(status.entries.filter(({ lo }) => lo === range.lo)).toEqual([]);
    expect(status.dropping).toEqual([]);
    expect((await t.api.histogram("p", range.lo, range.hi, 1)).rows).toBe(0);
    // The place is free for a new copy, which has no row of the old one.
    await follow(t, s, range);
    expect((await t.api.histogram("p", range.lo, range.hi, 1)).rows).toBe(12_000);
  },
);

test(
  "a third copy is cut when a slice is taken over, and follows both parts",
  { timeout: 180_000 },
  async () => {
    const range = await segment();
    const middle = range.lo + 500n;
    const [left, right] = [
      { ...range, hi: middle },
      { ...range, lo: middle },
    ];
    await s.load(range.lo, 1_000, 20);
    await follow(t, s, range);
    await follow(r, s, range);
    await t.must({ kind: "takeover", ...left, generation: 2n, budgetMs: 10_000 });
    await r.until("was cut", ({ entries }) => entries.some(({ lo }) => lo === middle));
    for (const [part, writer, value] of [
      [left, t, "left"],
      [right, s, "right"],
    ] as const) {
      const position = (await writer.put(`${part.lo}/after`, value)).headers.get("ops-position")!;
      await r.until("got the write", (status) => reaches(status, part, position));
      await sync(r, part);
      await r.must({ kind: "verify", ...part });
    }
    expect(await (await r.data(`${range.lo}/after`)).text()).toBe("left");
    expect(await (await r.data(`${middle}/after`)).text()).toBe("right");
    const { restarts, id } = await linkAt(r, left);
    expect([restarts, id]).toEqual([0, `link-r-${range.lo}`]);
  },
);

test(
  "copies whose source is gone keep no other copy from its turn",
  { timeout: 180_000 },
  async () => {
    const range = await segment();
    await s.load(range.lo, 10, 10);
    const waiting: Range[] = [];
    for (let i = 1n; i <= 10n; i += 1n) {
      used += 1n;
      const lost = { lo: used * 100_000n, hi: (used + 1n) * 100_000n };
      waiting.push(lost);
      await r.must({
        kind: "link",
        ...lost,
        sharding: "range",
        link: `link-lost-${i}`,
        source: { node: "gone", url: "http://127.0.0.1:1" },
        purpose: "move",
        bytesPerSecond: null,
      });
    }
    await follow(r, s, range);
    expect(await linkAt(r, waiting[0]!)).toMatchObject({ phase: "disconnected" });
  },
);
