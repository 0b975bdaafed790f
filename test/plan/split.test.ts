import fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gaps, overlaps, union } from "../../src/lib/keyspace/map.js";
import { expandTopology, parseAddition } from "../../src/lib/plan/expand.js";
import type { Bucket } from "../../src/lib/plan/observed.js";
import { halve } from "../../src/lib/plan/split.js";
import { expandText } from "../../src/lib/report/plan-expand.js";
import { parseTopology } from "../../src/lib/topology/parse.js";

const bucket = (lo: bigint, hi: bigint, rows: bigint): Bucket => ({
  lo,
  hi,
  rows,
  bytes: rows * 100n,
});

test("the new shard takes the upper half of the load, not of the positions", () => {
  const shards = [{ id: "p0", segments: [{ lo: 0n, hi: 1000n }] }];
  const { splits } = halve(shards, [bucket(0n, 100n, 900n), bucket(100n, 1000n, 100n)], ["p1"]);
  expect(splits[0]).toMatchObject({
    from: "p0",
    to: "p1",
    at: 55n,
    moved: [{ lo: 55n, hi: 1000n }],
  });
});

test("the fullest shard is halved, whichever that is by then", () => {
  const shards = [
    { id: "p0", segments: [{ lo: 0n, hi: 500n }] },
    { id: "p1", segments: [{ lo: 500n, hi: 1000n }] },
  ];
  const load = [bucket(0n, 500n, 1000n), bucket(500n, 1000n, 300n)];
  expect(
    halve(shards, load, ["p2", "p3", "p4"]).splits.map(({ from, to }) => `${from} > ${to}`),
  ).toEqual(["p0 > p2", "p0 > p3", "p2 > p4"]);
});

test("an empty keyspace is halved by its positions", () => {
  const shards = [
    {
      id: "p0",
      segments: [
        { lo: 0n, hi: 100n },
        { lo: 300n, hi: 400n },
      ],
    },
  ];
  expect(halve(shards, [], ["p1"])).toMatchObject({
    splits: [{ at: 100n, moved: [{ lo: 300n, hi: 400n }], measure: "positions" }],
  });
});

test("a shard of a single position cannot be halved, and that is said", () => {
  const shards = [
    { id: "p0", segments: [{ lo: 0n, hi: 1n }] },
    { id: "p1", segments: [{ lo: 1n, hi: 100n }] },
  ];
  expect(() => halve(shards, [bucket(0n, 1n, 10n), bucket(1n, 100n, 5n)], ["p2"])).toThrow(
    expect.objectContaining({ code: "expand/too-small", exit: 3 }),
  );
});

test("whatever the load, every position keeps one owner and every shard has some", () => {
  const edges = fc.uniqueArray(fc.bigInt({ min: 1n, max: 59n }), { maxLength: 6 });
  const load = fc.array(fc.bigInt({ min: 0n, max: 50n }), { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(edges, load, fc.integer({ min: 1, max: 4 }), (cuts, rows, count) => {
      const bounds = [0n, ...cuts.toSorted((a, b) => (a < b ? -1 : 1)), 60n];
      const pieces = bounds.slice(1).map((hi, i) => ({ lo: bounds[i]!, hi }));
      const shards = [0, 1]
        .map((half) => ({
          id: `p${half}`,
          segments: union(pieces.filter((_, i) => i % 2 === half)),
        }))
        .filter(({ segments }) => segments.length > 0);
      const histogram = rows.map((n, i) => bucket(BigInt(i) * 10n, BigInt(i + 1) * 10n, n));
      const added = Array.from({ length: count }, (_, i) => `new${i}`);
      let halved;
      try {
        halved = halve(shards, histogram, added);
      } catch (error) {
        expect(error).toMatchObject({ code: "expand/too-small" });
        return;
      }
      const all = halved.shards.flatMap(({ segments }) => segments);
      expect(gaps(all, { lo: 0n, hi: 60n })).toEqual([]);
      expect(overlaps(all)).toEqual([]);
      expect(halved.shards.every(({ segments }) => segments.length > 0)).toBe(true);
      expect(halved.shards.map(({ id }) => id)).toEqual([...shards.map(({ id }) => id), ...added]);
    }),
  );
});

test("--add names a shard, its primary and its replicas", () => {
  expect(parseAddition("p3=sh-2,sz-2")).toEqual({
    shard: "p3",
    primary: "sh-2",
    replicas: ["sz-2"],
  });
  for (const bad of ["p3", "p3=", "=sh-2", "p3=sh-2,", "p3=a=b"]) {
    expect(() => parseAddition(bad)).toThrow(expect.objectContaining({ exit: 64 }));
  }
});

const FILE = join(import.meta.dirname, "../../fixtures/plans/split-shard/before.yaml");
const SOURCE = { file: "t.yaml", text: readFileSync(FILE, "utf8") };
const SPARSE = [bucket(0n, 1000n, 10n)];

function expand(add: string, keyspace = "profile") {
  const topology = parseTopology(SOURCE.text, SOURCE.file);
  return expandTopology({ ...SOURCE, topology }, keyspace, [parseAddition(add)], SPARSE);
}

test("expanding writes a valid topology in which only the halved and the new shard differ", () => {
  const { text, splits } = expand("p1=sh-2,sz-2");
  const { shards } = parseTopology(text, "t.yaml").keyspaces[0]!;
  expect(shards.map(({ id, segments, primary }) => [id, segments, primary])).toEqual([
    ["p0", [{ lo: 0n, hi: 500n }], "sh-1"],
    ["p1", [{ lo: 500n, hi: 1000n }], "sh-2"],
  ]);
  const lines = SOURCE.text.split("\n");
  expect(lines.filter((line) => !text.includes(line))).toHaveLength(1);
  expect(expandText("profile", splits, { width: 80 })).toBe(
    "profile: p1 takes 500 B of 1000 B from p0: [500, 1000)",
  );
});

test.each([
  ["a shard that exists", "p0=sh-2,sz-2", "profile", "expand/shard-exists"],
  ["an unknown keyspace", "p1=sh-2,sz-2", "nope", "expand/unknown-keyspace"],
  ["a node that does not exist", "p1=gone,sz-2", "profile", "invalid-topology"],
])("%s is refused", (_what, add, keyspace, code) => {
  expect(() => expand(add, keyspace)).toThrow(expect.objectContaining({ code, exit: 3 }));
});
