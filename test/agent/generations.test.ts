import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";
import { authority, type Nodes, startNodes, type TestNode } from "./nodes.js";

const OLD = { lo: 0n, hi: 50n };
const KEPT = { lo: 50n, hi: 100n };
const BUDGET = { budgetMs: 2_000 };

let nodes: Nodes;
let a: TestNode;
let b: TestNode;

beforeAll(async () => {
  nodes = await startNodes("a", "b");
  [a, b] = nodes.all as [TestNode, TestNode];
  await a.must({ kind: "init", ...OLD, also: [KEPT], sharding: "range" });
  await follow(b, a, OLD, [KEPT]);
  await b.must({ kind: "takeover", ...OLD, generation: 2n, ...BUDGET });
}, 180_000);
afterAll(async () => nodes.stop(), 180_000);

async function follow(node: TestNode, source: TestNode, segment: typeof OLD, also: (typeof OLD)[]) {
  const copy = { sharding: "range", source: source.ref, bytesPerSecond: null } as const;
  await node.must({ kind: "link", ...segment, also, ...copy, link: "l", purpose: "move" });
  await node.must({ kind: "sync", ...segment, also, maxLagMs: 5_000 });
  await node.must({ kind: "verify", ...segment, also });
}

async function route(version: number, domain: typeof OLD, writer: string, generation: bigint) {
  const placed = (node: TestNode) => ({ url: node.url, region: "east", set: "s" });
  const table = {
    keyspace: "p",
    sharding: "range",
    domain,
    version,
    settings: DEFAULT_SETTINGS,
    nodes: { a: placed(a), b: placed(b) },
    segments: [{ ...domain, shard: "s", writer, generation, readers: [] }],
  } as const;
  for (const node of [a, b]) await node.api.putRoutes(table, authority);
}

/** A write that was routed at some time, and arrives now. */
const late = (node: TestNode, key: string, generation: bigint) =>
  node.data(key, { method: "PUT", body: "x", headers: { "ops-generation": `${generation}` } });

test("what was discarded and made again is of a later generation: a write delayed from before is refused", async () => {
  expect((await late(b, "7/row", 2n)).status).toBe(204);
  await route(1, KEPT, "a", 1n);
  for (const node of [a, b]) await node.must({ kind: "discard", ...OLD, generation: 2n });
  await nodes.kill9(a);
  await nodes.restart(a);
  const again = { kind: "init", ...OLD, sharding: "range" } as const;
  // An agent that is asked twice made it once.
  expect(await a.must(again)).toMatchObject({ generation: "3" });
  expect(await a.must(again)).toMatchObject({ generation: "3" });
  await route(2, { lo: 0n, hi: 100n }, "a", 3n);
  for (const generation of [1n, 2n]) {
    expect((await late(a, "7/row", generation)).status).toBe(421);
    expect((await late(b, "7/row", generation)).status).toBe(421);
  }
  expect((await late(a, "7/row", 3n)).status).toBe(204);
});

test("a takeover skips the generations at which its node may have reigned", async () => {
  const { generation } = await b.must({ kind: "takeover", ...KEPT, generation: 2n, ...BUDGET });
  expect(generation).toBe("3");
  expect((await late(b, "70/row", 2n)).status).toBe(421);
  expect((await late(b, "70/row", 3n)).status).toBe(204);
  await a.until("follows at that", ({ entries }) =>
    entries.some(
      ({ lo, role, generation: at }) => lo === KEPT.lo && role === "follower" && at === 3n,
    ),
  );
});

test("made and taken back without a write, again and again, it is as made, and later each time", async () => {
  const NEW = { lo: 100n, hi: 200n };
  for (const generation of ["3", "4"]) {
    expect(await a.must({ kind: "init", ...NEW, sharding: "range" })).toEqual({ generation });
    const made = (await a.entries()).find(({ lo }) => lo === NEW.lo);
    expect(made).toMatchObject({ untouched: true, generation: BigInt(generation) });
    await a.must({ kind: "retract", ...NEW });
  }
});
