import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import type { EntryStatus, NodeStatus } from "../../src/lib/agent/protocol/node.js";
import { authority, type Nodes, startNodes, type TestNode } from "./nodes.js";

/** Nobody listens there: who is pointed at it is cut off. */
const NOWHERE = { node: "gone", url: "http://127.0.0.1:1" };
const WIDTH = 1_000_000n;

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
/** Positions of its own for each use, in parts `[0,50)` and `[50,100)` percent. */
function fresh(): { whole: Range; left: Range; right: Range } {
  used += 1n;
  const [lo, middle, hi] = [used * WIDTH, used * WIDTH + WIDTH / 2n, (used + 1n) * WIDTH];
  return { whole: { lo, hi }, left: { lo, hi: middle }, right: { lo: middle, hi } };
}

/** Resolves with the generation of the takeover that follows. */
async function init(node: TestNode, range: Range): Promise<bigint> {
  const { generation } = await node.must({ kind: "init", ...range, sharding: "range" });
  return BigInt(generation as string) + 1n;
}

function linkTo(
  source: { node: string; url: string },
  range: Range,
  bytesPerSecond: number | null = null,
) {
  const link = `link-${range.lo}`;
  const copy = { link, source, purpose: "move", bytesPerSecond } as const;
  return { kind: "link", ...range, sharding: "range", ...copy } as const;
}

async function sync(node: TestNode, range: Range) {
  return node.must({ kind: "sync", ...range, maxLagMs: 5_000 });
}

async function follow(node: TestNode, source: TestNode, range: Range): Promise<void> {
  await node.must(linkTo(source.ref, range));
  await sync(node, range);
  await node.must({ kind: "verify", ...range });
}

function within(entries: readonly EntryStatus[], { lo, hi }: Range): EntryStatus[] {
  return entries.filter((one) => one.lo < hi && one.hi > lo);
}

async function held(node: TestNode, range: Range): Promise<string[]> {
  const found = within(await node.entries(), range);
  return found.map(({ lo, hi, role }) => `${lo - range.lo}..${hi - range.lo} ${role}`);
}

function isDropping({ dropping }: NodeStatus, { lo, hi }: Range): boolean {
  return dropping.some((one) => one.lo < hi && one.hi > lo);
}

/** Nobody writes at two nodes what is at one position, and nothing is left without a writer. */
async function expectOneWriter(...ranges: readonly Range[]): Promise<void> {
  for (const { lo } of ranges) {
    const takers: string[] = [];
    for (const node of nodes.all) {
      const answer = await node.data(`${lo}/writer`, { method: "PUT", body: node.name });
      await answer.arrayBuffer();
      if (answer.status === 204) takers.push(node.name);
    }
    expect(takers, `the writers of ${lo}`).toHaveLength(1);
  }
}

type Told = Record<string, unknown> & { kind: string; token?: string; final?: unknown };

/** What a node asks the owner of a segment, without that node. */
async function askOwner(
  from: TestNode,
  range: Range,
  kind: "fence" | "handover" | "resolve",
  request: Record<string, unknown>,
): Promise<Told> {
  const [lo, hi] = [String(range.lo), String(range.hi)];
  const body = { keyspace: "p", lo, hi, from: from.ref, request: { kind, ...request } };
  const answer = await fetch(`${s.url}/v1/ownership/${kind}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Told;
}

const fence = (attempt: string) => ({ attempt, next: "2", budgetMs: 20_000 });

test("of two fences that overlap at most one stands, and only that one is handed over", async () => {
  for (let round = 0; round < 10; round += 1) {
    const { whole, right } = fresh();
    await init(s, whole);
    const asked = [
      { from: t, range: right, attempt: `part-${whole.lo}-0123456789` },
      { from: r, range: whole, attempt: `whole-${whole.lo}-0123456789` },
    ];
    if (round % 2 === 1) asked.reverse();
    const answers = await Promise.all(
      asked.map(async ({ from, range, attempt }) => askOwner(from, range, "fence", fence(attempt))),
    );
    expect(answers.filter(({ kind }) => kind === "fenced").length).toBeLessThanOrEqual(1);
    for (const [i, { from, range, attempt }] of asked.entries()) {
      const { kind, token, final } = answers[i]!;
      if (kind !== "fenced") {
        expect(answers[i]).toMatchObject({ kind: "refused", reason: "busy" });
        continue;
      }
      const handed = await askOwner(from, range, "handover", { attempt, token, position: final });
      expect(handed.kind).toBe("handed");
    }
    for (const [i, { from, range, attempt }] of asked.entries()) {
      const { kind } = await askOwner(from, range, "resolve", { attempt });
      expect(kind).toBe(answers[i]!.kind === "fenced" ? "handed" : "released");
    }
  }
});

test(
  "two nodes that take over the whole and a part at the same time never both reign",
  { timeout: 300_000 },
  async () => {
    for (let round = 0; round < 3; round += 1) {
      const { whole, left, right } = fresh();
      const generation = await init(s, whole);
      await s.put(`${right.lo}/row`, "v");
      await Promise.all([follow(t, s, whole), follow(r, s, whole)]);
      const takeover = { kind: "takeover", generation, budgetMs: 10_000 } as const;
      const [part, all] = await Promise.all([
        t.run({ ...takeover, ...right }),
        r.run({ ...takeover, ...whole }),
      ]);
      for (const { state } of [part, all]) expect(["succeeded", "failed"]).toContain(state);
      await expectOneWriter(left, right);
    }
  },
);

test(
  "a slice without writes of a segment that is written elsewhere can be taken over",
  { timeout: 180_000 },
  async () => {
    const { whole, left, right } = fresh();
    const generation = await init(s, whole);
    await s.put(`${left.lo}/cold`, "v");
    await follow(t, s, whole);
    const stop = new AbortController();
    const writing = (async () => {
      for (let i = 0; !stop.signal.aborted; i += 1) await s.put(`${right.lo}/hot`, `v${i}`);
    })();
    try {
      await t.must({ kind: "takeover", ...left, generation, budgetMs: 10_000 });
      // The rest is still as it was: its writer did not notice.
      expect(await held(t, whole)).toEqual(["0..500000 primary", "500000..1000000 follower"]);
    } finally {
      stop.abort();
      await writing;
    }
    await expectOneWriter(left, right);
  },
);

test(
  "a copy that is cut finer than its source is verified, each part of it",
  { timeout: 180_000 },
  async () => {
    const { whole, left, right } = fresh();
    await init(s, whole);
    await s.put(`${left.lo}/cold`, "v");
    await follow(t, s, whole);
    // Pointed at the source that it has: only cut.
    await t.must({ kind: "repoint", ...left, source: s.ref });
    expect(await held(t, whole)).toHaveLength(2);
    expect(await held(s, whole)).toHaveLength(1);
    for (let i = 0; i < 5; i += 1) await s.put(`${right.lo}/hot`, `v${i}`);
    expect(await t.must({ kind: "verify", ...left })).toMatchObject({ rows: 1 });
    expect(await t.must({ kind: "verify", ...right })).toMatchObject({ rows: 1 });
  },
);

test(
  "a copy that is pointed at a lagging source in the middle has what the first one showed",
  { timeout: 300_000 },
  async () => {
    const { whole } = fresh();
    await init(s, whole);
    const rows = 4_000;
    await s.load(whole.lo, rows, 2_000);
    await follow(r, s, whole);
    await r.must({ kind: "repoint", ...whole, source: NOWHERE });
    const last = whole.lo + BigInt(rows) - 1n;
    await s.put(`${last}/row`, "new");
    await s.data(`${last - 1n}/row`, { method: "DELETE" });

    await t.must(linkTo(s.ref, whole, 256 * 1024));
    const part = await t.until("copied a part", ({ entries }) =>
      within(entries, whole).some(({ link }) => (link?.rows ?? 0) > 0),
    );
    expect(within(part.entries, whole)[0]!.link!.phase).toBe("copying");
    await t.must({ kind: "repoint", ...whole, source: r.ref });
    // What is on its way from the first source ends here: the rest comes from the other.
    await nodes.kill9(t);
    await nodes.restart(t);
    await t.must({ kind: "throttle", ...whole, bytesPerSecond: null });
    const copied = await t.until("had all rows", ({ entries }) =>
      within(entries, whole).some(({ cursor }) => cursor.generation > 0n),
    );
    const [behind] = within(await r.entries(), whole);
    // It replays from where the lagging source stood, and shows nothing before what it saw of the other.
    expect(within(copied.entries, whole)[0]).toMatchObject({
      cursor: behind!.cursor,
      readable: false,
      link: { restarts: 0 },
    });

    await r.must({ kind: "repoint", ...whole, source: s.ref });
    await sync(t, whole);
    expect(await t.must({ kind: "verify", ...whole })).toMatchObject({ rows: rows - 1 });
    expect(await (await t.data(`${last}/row`)).text()).toBe("new");
    expect((await t.data(`${last - 1n}/row`)).status).toBe(404);
  },
);

test(
  "a takeover of an entry that is cut or pointed elsewhere meanwhile does not end the agent",
  { timeout: 300_000 },
  async () => {
    const { bootId } = await t.api.node();
    for (const delays of [
      [0, 0],
      [0, 2],
      [0, 6],
      [2, 0],
    ] as const) {
      const { whole, left, right } = fresh();
      const generation = await init(s, whole);
      await s.put(`${left.lo}/row`, "v");
      await follow(t, s, whole);
      await follow(r, s, whole);
      const [taken, pointed] = await Promise.all([
        sleep(delays[0]).then(async () =>
          t.run({ kind: "takeover", ...whole, generation, budgetMs: 10_000 }),
        ),
        sleep(delays[1]).then(async () => t.run({ kind: "repoint", ...left, source: r.ref })),
      ]);
      for (const { state } of [taken, pointed]) expect(["succeeded", "failed"]).toContain(state);
      for (const { error } of [taken, pointed]) expect(error?.code).not.toBe("internal");
      await expectOneWriter(left, right);
    }
    expect((await t.api.node()).bootId).toBe(bootId);
  },
);

test("a segment that was never written is not retracted while it is fenced", async () => {
  const { whole } = fresh();
  await init(s, whole);
  const attempt = "retract-0123456789";
  expect((await askOwner(t, whole, "fence", fence(attempt))).kind).toBe("fenced");
  expect(await s.run({ kind: "retract", ...whole })).toMatchObject({
    state: "failed",
    error: { code: "not-empty" },
  });
  expect((await askOwner(t, whole, "resolve", { attempt })).kind).toBe("released");
  await s.must({ kind: "retract", ...whole });
  expect(await held(s, whole)).toEqual([]);
});

test(
  "a drop that was cancelled goes on, and its range is occupied until it has ended",
  { timeout: 300_000 },
  async () => {
    const { whole } = fresh();
    const rows = 60_000;
    await init(s, whole);
    await s.load(whole.lo, rows, 20);
    await follow(t, s, whole);
    const id = `drop-cancelled-${whole.lo}`;
    const drop = { kind: "drop", ...whole, link: null, generation: 1n } as const;
    const dropping = t.run(drop, id);
    while (!isDropping(await t.api.node(), whole)) {
      const state = (await t.api.operation(id))?.state;
      if (state === "succeeded") throw new Error("the drop had ended before it was seen");
    }
    const [again] = await Promise.all([
      t.run(linkTo(s.ref, whole)),
      t.api.cancelOperation(id, authority),
    ]);
    expect(again).toMatchObject({ state: "failed", error: { code: "occupied", retryable: true } });
    expect(await dropping).toMatchObject({ state: "cancelled" });
    await t.until("had deleted the rest", (status) => !isDropping(status, whole));
    expect((await t.api.histogram("p", whole.lo, whole.hi, 1)).rows).toBe(0);
    await follow(t, s, whole);
    expect((await t.api.histogram("p", whole.lo, whole.hi, 1)).rows).toBe(rows);
  },
);

test(
  "a drop of several parts is refused as a whole when one of them may not go",
  { timeout: 180_000 },
  async () => {
    const { whole, left, right } = fresh();
    const generation = await init(s, whole);
    await s.put(`${left.lo}/row`, "v");
    await follow(t, s, whole);
    await t.must({ kind: "takeover", ...right, generation, budgetMs: 10_000 });
    const before = await held(t, whole);
    expect(before).toEqual(["0..500000 follower", "500000..1000000 primary"]);
    const drop = { kind: "drop", link: null, generation: 2n } as const;
    expect(await t.run({ ...drop, ...whole })).toMatchObject({
      state: "failed",
      error: { code: "not-droppable", outcome: "none" },
    });
    expect(await held(t, whole)).toEqual(before);
    expect(isDropping(await t.api.node(), whole)).toBe(false);
    expect(await (await t.data(`${left.lo}/row`)).text()).toBe("v");
    // It was the other part that kept it.
    await t.must({ ...drop, ...left });
    expect(await held(t, whole)).toEqual(["500000..1000000 primary"]);
  },
);

test(
  "a replica of a replica that is cut off from the writer does not say that it is fresh",
  { timeout: 180_000 },
  async () => {
    const { whole } = fresh();
    await init(s, whole);
    await s.put(`${whole.lo}/row`, "old");
    await follow(t, s, whole);
    await follow(r, t, whole);
    const lagOf = ({ entries }: NodeStatus) => within(entries, whole)[0]!.link!.lagMs;
    await t.must({ kind: "repoint", ...whole, source: NOWHERE });
    await s.put(`${whole.lo}/row`, "new");
    const staler = (status: NodeStatus) => (lagOf(status) ?? Infinity) > 3_000;
    await t.until("knew that it is stale", staler);
    // It still hears from its own source all the time.
    await r.until("knew that it is stale", staler);
    const read = await r.data(`${whole.lo}/row`);
    expect(await read.text()).toBe("old");
    const lag = read.headers.get("ops-lag-ms")!;
    expect(lag === "unknown" ? Infinity : Number(lag)).toBeGreaterThan(3_000);

    await t.must({ kind: "repoint", ...whole, source: s.ref });
    await r.until("was fresh again", (status) => (lagOf(status) ?? Infinity) < 3_000);
    expect(await (await r.data(`${whole.lo}/row`)).text()).toBe("new");
  },
);

test(
  "a link over a source that holds the segment in parts is cut alike and completes",
  { timeout: 180_000 },
  async () => {
    const { whole, left, right } = fresh();
    await init(s, left);
    await init(s, right);
    await s.load(right.lo - 50n, 100, 20);
    await follow(t, s, whole);
    expect(await held(t, whole)).toEqual(["0..500000 follower", "500000..1000000 follower"]);
    expect(await t.must({ kind: "verify", ...whole })).toMatchObject({ rows: 100 });
    // The same link again is the one that it has.
    await t.must(linkTo(s.ref, whole));
    expect(await held(t, whole)).toHaveLength(2);
  },
);

test("an operation is not cancelled in the name of another scope", async () => {
  const { whole } = fresh();
  await t.must(linkTo(NOWHERE, whole));
  const id = `endless-${whole.lo}`;
  const ended = t.run({ kind: "sync", ...whole, maxLagMs: 1_000 }, id);
  while ((await t.api.operation(id))?.state !== "running") await sleep(10);
  const refused = t.api.cancelOperation(id, { ...authority, scope: "keyspace/other" });
  await expect(refused).rejects.toThrow(AgentProblem);
  await expect(refused).rejects.toMatchObject({ status: 400, code: "bad-request" });
  expect((await t.api.operation(id))!.state).toBe("running");
  await t.api.cancelOperation(id, authority);
  expect(await ended).toMatchObject({ state: "cancelled" });
});
