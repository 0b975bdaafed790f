import canonicalize from "canonicalize";
import fc from "fast-check";
import { expect, test } from "vitest";
import { overlaps, union } from "../../src/lib/keyspace/map.js";
import { decodePlan, encodePlan } from "../../src/lib/plan/encode.js";
import { hashOf, planHash, sha256 } from "../../src/lib/plan/hash.js";
import { observedFromTopology } from "../../src/lib/plan/observed.js";
import { planShards } from "../../src/lib/plan/planner.js";
import { loadMap, sizeOf } from "../../src/lib/plan/size.js";
import { slicesOf } from "../../src/lib/plan/slices.js";
import type { Segment } from "../../src/lib/keyspace/segment.js";
import type { Topology } from "../../src/lib/topology/types.js";
import { rangeKeyspace, shard, topologyOf } from "./cluster.js";

const segments = fc
  .uniqueArray(fc.bigInt({ min: 0n, max: 2n ** 64n }), { minLength: 2, maxLength: 2 })
  .map((pair) => {
    const [lo, hi] = pair.toSorted((a, b) => (a < b ? -1 : 1));
    return { lo: lo!, hi: hi! };
  });

const rows = fc
  .uniqueArray(fc.bigInt({ min: 0n, max: 40n }), { minLength: 2, maxLength: 10 })
  .map((bounds) => {
    const sorted = bounds.toSorted((a, b) => (a < b ? -1 : 1));
    return sorted.flatMap((lo, i) =>
      i % 2 === 0 && i + 1 < sorted.length ? [{ lo, hi: sorted[i + 1]! }] : [],
    );
  });

test("slices cover the segments exactly, in order, the canary first and none of them empty", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        rows,
        segments.map((one) => [one]),
      ),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 9 }),
      (whole, share, parts) => {
        const { canary, rest } = slicesOf(whole, share, parts);
        const slices = canary ? [canary, ...rest] : rest;
        const all = slices.flat();
        expect(slices.every((slice) => slice.length > 0)).toBe(true);
        expect(union(all)).toEqual(union(whole));
        expect(overlaps(all)).toEqual([]);
        expect(all.every(({ lo, hi }) => lo < hi)).toBe(true);
        const others = rest.flat();
        expect(others).toEqual(others.toSorted((a, b) => (a.lo < b.lo ? -1 : 1)));
        const width = (of: readonly Segment[]) => of.reduce((sum, { lo, hi }) => sum + hi - lo, 0n);
        const asked = BigInt(Math.ceil(Number(width(whole)) * share)) + 1n;
        if (canary) expect(width(canary)).toBeLessThanOrEqual(2n * asked);
        else if (share > 0 && share < 0.99) expect(width(whole)).toBe(1n);
        expect(rest.length).toBeLessThanOrEqual(parts);
      },
    ),
  );
});

test("a canary has the share asked for, at least one position", () => {
  expect(slicesOf([{ lo: 0n, hi: 1000n }], 0.01, 1).canary).toEqual([{ lo: 0n, hi: 10n }]);
  expect(slicesOf([{ lo: 0n, hi: 10n }], 0.01, 1).canary).toEqual([{ lo: 0n, hi: 1n }]);
  expect(slicesOf([{ lo: 0n, hi: 1n }], 0.01, 1).canary).toBeNull();
  expect(slicesOf([{ lo: 0n, hi: 1000n }], 0, 3).canary).toBeNull();
});

test("of many segments the canary is a whole one of about the share asked for, wherever it lies", () => {
  const ring = [55n, 90n, 12n, 300n, 8n, 535n].map((width, i) => ({
    lo: BigInt(i) * 1000n,
    hi: BigInt(i) * 1000n + width,
  }));
  const { canary, rest } = slicesOf(ring, 0.01, 1);
  expect(canary).toEqual([{ lo: 2000n, hi: 2012n }]);
  expect(rest).toEqual([ring.filter(({ lo }) => lo !== 2000n)]);
  // The first end is near, but ten times as far as asked for.
  expect(slicesOf(ring, 0.005, 1).canary).toEqual([{ lo: 4000n, hi: 4008n }]);
  expect(slicesOf(ring, 0.001, 1).canary).toEqual([{ lo: 0n, hi: 1n }]);
});

test("canonical JSON sorts names and writes bigints as text", () => {
  expect(hashOf({ b: [2n ** 64n, 1.5], a: { d: null, c: "x" } })).toBe(
    sha256('{"a":{"c":"x","d":null},"b":["18446744073709551616",1.5]}'),
  );
  expect(hashOf({ a: 1, b: 2n })).toBe(hashOf({ b: "2", a: 1 }));
  expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("canonical JSON is what the library of RFC 8785 writes", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(hashOf(value)).toBe(sha256(canonicalize(value)!));
    }),
  );
  expect(() => hashOf({ a: Number.NaN })).toThrow(TypeError);
});

test("a histogram sharpens the size of a part of an entry", () => {
  const entry = {
    node: "a",
    segment: { lo: 0n, hi: 100n },
    role: "primary" as const,
    generation: 1n,
    shard: null,
    source: null,
    streaming: true,
    rows: 1000n,
    bytes: 10_000n,
  };
  const coarse = {
    id: "k",
    routes: null,
    entries: [entry, { ...entry, role: "follower" as const, node: "b" }],
  };
  expect(sizeOf(loadMap(coarse), [{ lo: 0n, hi: 10n }])).toEqual({ rows: 100n, bytes: 1000n });
  const histogram = [{ lo: 0n, hi: 20n, rows: 900n, bytes: 9000n }];
  expect(sizeOf(loadMap({ ...coarse, histogram }), [{ lo: 0n, hi: 10n }])).toEqual({
    rows: 450n,
    bytes: 4500n,
  });
});

const PLAN = planShards({
  topology: topologyOf([rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sz-1-d1", "sh-1-d1")])]),
  observed: observedFromTopology(
    topologyOf([rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1")])]),
  ),
  createdAt: "2026-01-01T00:00:00.000Z",
  topologyHash: "t",
});

function refusal(text: string): { code: string; exit: number; message: string } {
  try {
    decodePlan(text, "plan.json");
  } catch (error) {
    return error as { code: string; exit: number; message: string };
  }
  throw new Error("it was accepted");
}

test.each([
  ["a budget", '"budgetMs": 500', '"budgetMs": 501'],
  ["a node", '"node": "sz-1-d1"', '"node": "sz-1-d2"'],
  ["the hash", PLAN.hash, "0".repeat(64)],
  ["an unknown field", '"v": 2,', '"v": 2, "more": true,'],
  ["a holder", '"primary": "sh-1-d1"', '"primary": "sh-1-d2"'],
  [
    "an edge of what is held",
    '"hi": "1000",\n          "shard"',
    '"hi": "999",\n          "shard"',
  ],
])("a plan in which %s was changed is refused", (_what, from, to) => {
  const text = encodePlan(PLAN);
  expect(text).toContain(from);
  expect(refusal(text.replace(from, to))).toMatchObject({ code: "plan/tampered", exit: 3 });
});

test("a plan that only was indented anew is the same plan", () => {
  expect(decodePlan(JSON.stringify(JSON.parse(encodePlan(PLAN))), "plan.json")).toEqual(PLAN);
});

test("a plan of nothing has the same name whenever it is made; one that does something has another", () => {
  const made = (createdAt: string, ...topologies: [Topology, Topology]) =>
    planShards({
      topology: topologies[1],
      observed: observedFromTopology(topologies[0]),
      createdAt,
      topologyHash: "t",
    });
  const here = topologyOf([rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1")])]);
  const there = topologyOf([rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sz-1-d1")])]);
  const [first, second] = [made("2026-01-01", here, here), made("2027-02-02", here, here)];
  expect(second.hash).toBe(first.hash);
  expect(decodePlan(encodePlan(second), "plan.json")).toEqual(second);
  expect(made("2026-01-01", here, there).hash).not.toBe(made("2027-02-02", here, there).hash);
});

test("what has the right hash but no right shape is still no plan", () => {
  const { hash: _hash, ...body } = JSON.parse(encodePlan({ ...PLAN, createdAt: 5 as never }));
  const found = refusal(JSON.stringify({ ...body, hash: planHash(body) }));
  expect(found).toMatchObject({ code: "plan/unreadable", exit: 3 });
  expect(found.message).toContain("createdAt");
});

test.each([
  ["", "plan/unreadable"],
  ["{", "plan/unreadable"],
  ["[]", "plan/unreadable"],
  ["null", "plan/unreadable"],
  ["{}", "plan/unreadable"],
  ['{"v":1,"hash":"x"}', "plan/version"],
  ['{"v":3,"hash":"x"}', "plan/version"],
  ['{"v":2,"hash":"x"}', "plan/tampered"],
  ['{"v":2,"hash":"x","keyspaces":[null]}', "plan/tampered"],
  [`{"v":2,"hash":"x","deep":${"[".repeat(50_000)}${"]".repeat(50_000)}}`, "plan/tampered"],
])("%.20s is refused", (text, code) => {
  expect(refusal(text)).toMatchObject({ code, exit: 3 });
});
