import { afterAll, beforeAll, expect, test } from "vitest";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { authority, type Nodes, startNodes, type TestNode } from "./nodes.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";

const WHOLE = { lo: 0n, hi: 100n };
const INSIDE = { lo: 0n, hi: 60n };
const OUTSIDE = { lo: 60n, hi: 100n };

let nodes: Nodes;
let a: TestNode;
let b: TestNode;

beforeAll(async () => {
  nodes = await startNodes("a", "b");
  [a, b] = nodes.all as [TestNode, TestNode];
  await a.must({ kind: "init", ...INSIDE, also: [OUTSIDE], sharding: "range" });
  await b.must({
    kind: "link",
    ...INSIDE,
    also: [OUTSIDE],
    sharding: "range",
    link: "replica",
    source: a.ref,
    purpose: "replica",
    bytesPerSecond: null,
  });
  await b.must({ kind: "sync", ...WHOLE, maxLagMs: 5_000 });
  await a.load(0n, 100, 10);
}, 180_000);
afterAll(async () => nodes.stop(), 180_000);

function table(version: number, domain = WHOLE, more: Partial<RouteTable> = {}): RouteTable {
  const segment = {
    shard: "s",
    writer: "a",
    generation: 1n,
    readers: [{ node: "a", weight: 100 }],
  };
  return {
    keyspace: "p",
    sharding: "range",
    domain,
    version,
    settings: DEFAULT_SETTINGS,
    nodes: { a: { url: a.url, region: "east", set: "s" } },
    segments: [{ ...domain, ...segment }],
    ...more,
  };
}

const discard = (node: TestNode, segment: typeof WHOLE, generation = 1n) =>
  node.run({ kind: "discard", ...segment, generation });
const heldBy = async (node: TestNode) => (await node.entries()).map(({ lo, hi }) => ({ lo, hi }));

test("nothing is discarded where the routes lead, nor where no routes are known", async () => {
  expect(await discard(a, OUTSIDE)).toMatchObject({ error: { code: "still-routed" } });
  await a.api.putRoutes(table(1), authority);
  expect(await discard(a, OUTSIDE)).toMatchObject({ error: { code: "still-routed" } });
  expect(await heldBy(a)).toEqual([INSIDE, OUTSIDE]);
});

test("outside of the domain also a primary is, with its rows, over kill -9; the rest stays", async () => {
  await a.api.putRoutes(table(2, INSIDE), authority);
  expect(await discard(a, INSIDE)).toMatchObject({ error: { code: "still-routed" } });
  expect(await discard(a, OUTSIDE, 0n)).toMatchObject({ error: { code: "not-droppable" } });
  const ended = a.must({ kind: "discard", ...OUTSIDE, generation: 1n });
  await nodes.kill9(a);
  await nodes.restart(a);
  await ended;
  await a.until("has deleted it", ({ dropping }) => dropping.length === 0);
  expect(await heldBy(a)).toEqual([INSIDE]);
  expect((await a.data("59/row")).status).toBe(200);
  expect((await a.data("60/row")).status).toBe(421);
  expect(await a.api.histogram("p", 0n, 100n, 1)).toMatchObject({ rows: 60 });
});

test("of a withdrawn keyspace all is, and it may be made again, cut in another way", async () => {
  for (const node of [a, b])
    await node.api.putRoutes(table(3, INSIDE, { withdrawn: true }), authority);
  expect((await a.api.routes()).tables).toMatchObject([{ keyspace: "p", withdrawn: true }]);
  // Of a copy whose primary is gone, too.
  await a.must({ kind: "discard", ...INSIDE, generation: 1n });
  await b.must({
    kind: "discard",
    ...INSIDE,
    generation: 1n,
    also: [{ ...OUTSIDE, generation: 1n }],
  });
  expect([await heldBy(a), await heldBy(b)]).toEqual([[], []]);

  const ring = { lo: 0n, hi: 1n << 64n, sharding: "consistent-hash" } as const;
  await a.must({ kind: "init", ...ring });
  const early = await a.data("59/row", { method: "PUT", body: "early" });
  expect([early.status, await early.json()]).toMatchObject([421, { retryable: true }]);
  await a.api.putRoutes(
    table(4, { lo: ring.lo, hi: ring.hi }, { sharding: ring.sharding }),
    authority,
  );
  await a.put("59/row", "again");
  expect(await (await a.data("59/row")).text()).toBe("again");
  expect(await a.run({ kind: "init", lo: 0n, hi: 1n, sharding: "range" })).toMatchObject({
    error: { code: "occupied" },
  });
});
