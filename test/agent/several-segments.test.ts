import { afterAll, beforeAll, expect, test } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import { authority, type Nodes, startNodes, type TestNode } from "./nodes.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";

const FIRST = { lo: 0n, hi: 100n };
const SECOND = { lo: 300n, hi: 400n };
const THIRD = { lo: 600n, hi: 700n };
const several = { ...FIRST, also: [SECOND, THIRD] };

let nodes: Nodes;
let s: TestNode;
let t: TestNode;

beforeAll(async () => {
  nodes = await startNodes("s", "t");
  [s, t] = nodes.all as [TestNode, TestNode];
}, 180_000);
afterAll(async () => nodes.stop(), 180_000);

const heldBy = async (node: TestNode) =>
  (await node.entries()).map(({ lo, hi, role, generation }) => ({ lo, hi, role, generation }));

test("segments that overlap, or are empty, are refused before anything is stored", async () => {
  const by = { scope: "keyspace/p", epoch: 1n, lineage: "test-lineage" };
  for (const also of [[{ lo: 50n, hi: 150n }], [{ lo: 300n, hi: 300n }]]) {
    const asked = s.api.putOperation(
      "several-refused",
      { kind: "init", keyspace: "p", ...FIRST, also, sharding: "range" },
      by,
    );
    await expect(asked).rejects.toThrow(AgentProblem);
  }
  expect(await heldBy(s)).toEqual([]);
});

test("one operation makes, copies, compares and hands over segments that do not touch, and drops them", async () => {
  await s.must({ kind: "init", ...several, sharding: "range" });
  for (const { lo } of [FIRST, SECOND, THIRD]) await s.load(lo, 50, 100);
  await t.must({
    kind: "link",
    ...several,
    sharding: "range",
    link: "several",
    source: s.ref,
    purpose: "move",
    bytesPerSecond: null,
  });
  expect(await t.must({ kind: "sync", ...several, maxLagMs: 5_000 })).toMatchObject({ rows: 150 });
  expect(await t.must({ kind: "verify", ...several })).toMatchObject({ rows: 150, chunks: 3 });
  const taken = { generation: 2n, budgetMs: 10_000 };
  const result = await t.must({ kind: "takeover", ...several, ...taken });
  expect(result).toMatchObject({ generation: "2" });
  expect(await heldBy(t)).toEqual(
    [FIRST, SECOND, THIRD].map((part) => ({ ...part, role: "primary", generation: 2n })),
  );
  await t.put("350/after", "written");

  const entries = await s.entries();
  expect(new Set(entries.map(({ link }) => link?.id)).size).toBe(3);
  const named = entries.map(({ lo, hi, link }) => ({ lo, hi, link: link!.id, generation: 2n }));
  const [first, second, third] = named as [(typeof named)[0], (typeof named)[0], (typeof named)[0]];
  const misnamed = { ...first, also: [{ ...second, link: third.link }, third] };
  expect(await s.run({ kind: "drop", ...misnamed })).toMatchObject({
    error: { code: "not-droppable" },
  });
  expect(await heldBy(s)).toHaveLength(3);
  const dropped = await s.must({ kind: "drop", ...first, also: [second, third] });
  expect(dropped).toMatchObject({ rows: 151 });
  expect(await heldBy(s)).toEqual([]);
});

test("what one operation makes of several segments, another undoes at once; not where one was written to", async () => {
  // Above those at which the node has had what it dropped.
  expect(await s.must({ kind: "init", ...several, sharding: "range" })).toEqual({
    generation: "3",
  });
  await s.put("310/row", "x");
  expect(await s.run({ kind: "retract", ...several })).toMatchObject({
    error: { code: "not-empty" },
  });
  expect(await heldBy(s)).toHaveLength(3);
  await s.must({ kind: "retract", ...FIRST, also: [THIRD] });
  expect(await heldBy(s)).toEqual([{ ...SECOND, role: "primary", generation: 3n }]);
});

test("of a larger entry a part is compared, dropped and discarded; the rest stays as it was", async () => {
  const whole = { lo: 800n, hi: 900n };
  const part = { lo: 820n, hi: 850n };
  const rest = [
    { lo: 800n, hi: 820n },
    { lo: 850n, hi: 900n },
  ];
  expect(await s.must({ kind: "init", ...whole, sharding: "range" })).toEqual({ generation: "4" });
  await s.load(whole.lo, 100, 10);
  const copy = { link: "part", source: s.ref, purpose: "replica", bytesPerSecond: null } as const;
  await t.must({ kind: "link", ...whole, sharding: "range", ...copy });
  await t.must({ kind: "sync", ...part, maxLagMs: 5_000 });
  expect(await t.must({ kind: "verify", ...part })).toMatchObject({ rows: 30 });
  const mine = (await t.entries()).filter(({ lo }) => lo >= whole.lo);
  expect(mine.map(({ lo, hi, link }) => [lo, hi, link!.verified])).toEqual([
    [800n, 820n, false],
    [820n, 850n, true],
    [850n, 900n, false],
  ]);
  const drop = { kind: "drop", link: "part", generation: 4n } as const;
  expect(await t.must({ ...drop, lo: 825n, hi: 850n })).toMatchObject({ rows: 25 });
  expect(await t.must({ ...drop, ...part, lo: 820n, hi: 825n })).toMatchObject({ rows: 5 });
  expect((await heldBy(t)).filter(({ lo }) => lo >= whole.lo)).toEqual(
    rest.map((segment) => ({ ...segment, role: "follower", generation: 4n })),
  );

  const table = {
    keyspace: "p",
    sharding: "range",
    domain: { lo: 850n, hi: 900n },
    version: 1,
    settings: DEFAULT_SETTINGS,
    nodes: { s: { url: s.url, region: "east", set: "s" } },
    segments: [{ lo: 850n, hi: 900n, shard: "s", writer: "s", generation: 4n, readers: [] }],
  } as const;
  await s.api.putRoutes(table, authority);
  await s.must({ kind: "discard", lo: 800n, hi: 850n, generation: 4n });
  expect((await heldBy(s)).filter(({ lo }) => lo >= whole.lo)).toEqual([
    { lo: 850n, hi: 900n, role: "primary", generation: 4n },
  ]);
  await s.put("899/row", "goes on");
});
