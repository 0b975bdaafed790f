import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";
import { authority, type Nodes, startNodes, type TestNode } from "./nodes.js";

/** The longest there is. What is sent before was asked for, and no test is to wait for the end of one. */
const WINDOW_MS = 60_000;
const SHORTER_MS = 50_000;
const BUDGET_MS = 5_000;
const WHOLE = { lo: 0n, hi: 1_000n };
const HOT = 2_000;
/** The least that a change frame of it is: header, place, value. */
const HOT_BYTES = 44 + 8 + "5/hot".length + 100;

let nodes: Nodes;
let s: TestNode;
let t: TestNode;
let v: TestNode;
/** What was acknowledged last of each key. */
const acknowledged = new Map<string, string>();

beforeAll(async () => {
  nodes = await startNodes("s", "t", "v");
  [s, t, v] = nodes.all as [TestNode, TestNode, TestNode];
  for (const keyspace of ["p", "q"]) {
    const by = { ...authority, scope: `keyspace/${keyspace}` };
    const table = {
      keyspace,
      sharding: "range",
      domain: WHOLE,
      version: 1,
      settings: { ...DEFAULT_SETTINGS, syncWindowMs: keyspace === "p" ? WINDOW_MS : 0 },
      nodes: {
        s: { url: s.url, region: "east", set: "e" },
        v: { url: v.url, region: "east", set: "f" },
        t: { url: t.url, region: "west", set: "w" },
      },
      segments: [{ ...WHOLE, shard: "p0", writer: "s", generation: 1n, readers: [] }],
    } as const;
    for (const { api } of nodes.all) await api.putRoutes(table, by);
    await s.must({ kind: "init", ...WHOLE, sharding: "range", keyspace });
    await link(t, s, keyspace);
  }
}, 180_000);
afterAll(async () => nodes.stop(), 180_000);

async function link(node: TestNode, source: TestNode, keyspace: string): Promise<void> {
  const more = { link: `l-${node.name}`, purpose: "move", bytesPerSecond: null } as const;
  await node.must({
    kind: "link",
    ...WHOLE,
    ...more,
    sharding: "range",
    source: source.ref,
    keyspace,
  });
  await proven(node, keyspace);
}

/** In step with its source, and equal to it at one position. */
async function proven(node: TestNode, keyspace = "p"): Promise<void> {
  await node.must({ kind: "sync", ...WHOLE, maxLagMs: 1_000, keyspace });
  await node.must({ kind: "verify", ...WHOLE, keyspace });
}

async function write(node: TestNode, key: string, value: string | null): Promise<void> {
  const body = value === null ? { method: "DELETE" } : { method: "PUT", body: value };
  const answer = await node.data(key, body);
  if (answer.status === 204) acknowledged.set(key, value ?? "");
}

async function expectAll(node: TestNode): Promise<void> {
  for (const [key, value] of acknowledged) {
    const answer = await node.data(key);
    expect([key, answer.status === 404 ? "" : await answer.text()]).toEqual([key, value]);
  }
}

async function indexOf(node: TestNode): Promise<bigint> {
  return (await node.entries())[0]!.cursor.index;
}

async function traffic(node: TestNode, keyspace: string) {
  const { sync } = await node.api.node();
  return sync.find((one) => one.keyspace === keyspace && one.region === "west")!;
}

test(
  "a key that is written thousands of times crosses regions a few times, and the copy equals its source",
  { timeout: SHORTER_MS },
  async () => {
    for (const keyspace of ["p", "q"]) {
      const value = Buffer.alloc(100, "v").toString("base64");
      const lines = Array.from({ length: HOT }, () => ({ op: "put", key: "5/hot", value }));
      const body = lines.map((line) => JSON.stringify(line)).join("\n");
      const answer = await fetch(`${s.url}/v1/data/${keyspace}:batch`, { method: "POST", body });
      expect((await answer.text()).match(/"status":204/g)).toHaveLength(HOT);
      await proven(t, keyspace);
    }
    acknowledged.set("5/hot", "v".repeat(100));
    const [p, q] = await Promise.all([traffic(s, "p"), traffic(s, "q")]);
    expect(q.plainBytes).toBe(q.sentBytes);
    expect(q.sentBytes).toBeGreaterThanOrEqual(HOT * HOT_BYTES);
    // A few may have come one by one, before the first window began.
    expect(p.plainBytes).toBeGreaterThanOrEqual(HOT * HOT_BYTES);
    expect(p.sentBytes).toBeLessThan(p.plainBytes / 4);
    const metrics = await (await fetch(`${s.url}/metrics`)).text();
    expect(metrics).toMatch(
      /ops_sync_sent_bytes_total\{keyspace="q",region="west",node="s"\} \d{6}/,
    );
    const status = (await t.entries())[0]!.link!;
    expect(status).toMatchObject({ phase: "streaming", heldMs: WINDOW_MS });
    expect(status.lagMs).toBeLessThan(WINDOW_MS);
    expect((await t.entries("q"))[0]!.link!.heldMs).toBe(0);
    await expectAll(t);
  },
);

test(
  "within a region every change is sent, from a copy that gets only some, and a copy goes to and fro between sources",
  { timeout: SHORTER_MS },
  async () => {
    // t is a copy in another region; v follows it over regions, then the writer within one.
    await link(v, t, "p");
    expect((await v.entries())[0]!.link!.heldMs).toBe(2 * WINDOW_MS);
    await v.must({ kind: "repoint", ...WHOLE, source: s.ref });
    await proven(v);
    expect((await v.entries())[0]!.link!.heldMs).toBe(0);
    for (let i = 0; i < 30; i += 1) await write(s, `5/${i % 7}`, i % 3 === 0 ? null : `${i}`);
    const head = await indexOf(s);
    await v.until("got every change", ({ entries }) =>
      entries.some(({ keyspace, cursor }) => keyspace === "p" && cursor.index === head),
    );
    // Ahead of t, for which all this is held back, v waits for it.
    expect(await indexOf(t)).toBeLessThan(head);
    await v.must({ kind: "repoint", ...WHOLE, source: t.ref });
    await proven(t);
    await proven(v);
    expect(await indexOf(v)).toBe(await indexOf(t));
    await v.must({ kind: "repoint", ...WHOLE, source: s.ref });
    await proven(v);
    await Promise.all([expectAll(t), expectAll(v)]);
  },
);

test("either side may die in the middle of a window", { timeout: SHORTER_MS }, async () => {
  for (const victim of [t, s]) {
    for (let i = 0; i < 20; i += 1) await write(s, `6/${i % 5}`, `${victim.name} ${i}`);
    await nodes.kill9(victim);
    await nodes.restart(victim);
    for (let i = 0; i < 20; i += 1) await write(s, `7/${i % 5}`, `${victim.name} ${i}`);
    await proven(t);
    await expectAll(t);
  }
});

test(
  "a takeover ends the window, loses nothing, and the old writer follows with windows of its own",
  { timeout: SHORTER_MS },
  async () => {
    const stop = new AbortController();
    const writing = (async () => {
      for (let i = 0; !stop.signal.aborted; i += 1) await write(s, `8/${i % 5}`, `${i}`);
    })();
    try {
      await t.until("held writes back", () => acknowledged.size > 20);
      // Ten times shorter than the window, and given up after twice that: only without it can this end.
      const taken = await t.must({
        kind: "takeover",
        ...WHOLE,
        generation: 2n,
        budgetMs: BUDGET_MS,
      });
      expect(taken["generation"]).toBe("2");
    } finally {
      stop.abort();
      await writing;
    }
    await expectAll(t);
    for (let i = 0; i < 20; i += 1) await write(t, "8/back", `${i}`);
    await v.must({ kind: "repoint", ...WHOLE, source: t.ref });
    await Promise.all([proven(s), proven(v)]);
    await Promise.all([expectAll(s), expectAll(v)]);
    expect((await s.entries())[0]!.link!.heldMs).toBe(WINDOW_MS);
  },
);

test("other settings reach the streams that are open", { timeout: SHORTER_MS }, async () => {
  const { tables } = await s.api.routes();
  const known = tables.find(({ keyspace }) => keyspace === "p")!;
  const table = { ...known, version: 2, settings: DEFAULT_SETTINGS };
  for (const { api } of nodes.all) await api.putRoutes(table, authority);
  await write(t, "9/last", "x");
  const at = await indexOf(t);
  const { entries } = await s.until("got every change", (status) =>
    status.entries.some(({ keyspace, cursor }) => keyspace === "p" && cursor.index === at),
  );
  expect(entries.find(({ keyspace }) => keyspace === "p")!.link!.heldMs).toBe(0);
});
