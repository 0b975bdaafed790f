import fc from "fast-check";
import { expect, test } from "vitest";
import { hashUid } from "../../src/lib/keyspace/hash.js";
import { difference, gaps, pieceAt, type SegmentMap } from "../../src/lib/keyspace/map.js";
import { POSITION_END } from "../../src/lib/keyspace/segment.js";
import { cut } from "../../src/lib/policy/cut.js";
import { fractions } from "./policies.js";

const SITES = ["a", "b", "c", "d", "e", "f"];
const UIDS = 100_000;
const seed = 20_260_101;

/** Some sites have nothing. */
const shares = fc
  .array(fc.integer({ min: 0, max: 100 }), { minLength: SITES.length, maxLength: SITES.length })
  .filter((weights) => weights.some((weight) => weight > 0))
  .map((weights) => {
    const sum = weights.reduce((all, one) => all + one, 0);
    return new Map(SITES.map((site, i) => [site, weights[i]! / sum]));
  });

const sizes = (map: SegmentMap<string>) => {
  const found = new Map(SITES.map((site) => [site, 0n]));
  for (const { lo, hi, value } of map) found.set(value, found.get(value)! + (hi - lo));
  return found;
};

test("each site has its fraction within one hash, and nothing is left out", () => {
  const property = fc.property(shares, (wanted) => {
    const map = cut([], wanted);
    expect(gaps(map, { lo: 0n, hi: POSITION_END })).toEqual([]);
    for (const [site, size] of sizes(map))
      expect(Math.abs(Number(size) / 2 ** 64 - wanted.get(site)!)).toBeLessThan(1e-9);
    expect(map.length).toBe([...wanted.values()].filter((share) => share > 0).length);
  });
  fc.assert(property, { seed, numRuns: 200 });
});

test("a map that is cut again and again moves exactly the minimum each time, and stays in few pieces", () => {
  const property = fc.property(fc.array(shares, { minLength: 2, maxLength: 40 }), (steps) => {
    let before = cut([], steps[0]!);
    for (const wanted of steps.slice(1)) {
      const after = cut(before, wanted);
      const moved = difference(before, after).reduce((all, { lo, hi }) => all + (hi - lo), 0n);
      const [had, has] = [sizes(before), sizes(after)];
      const gained = SITES.map((site) => has.get(site)! - had.get(site)!).filter((by) => by > 0n);
      expect(moved).toBe(gained.reduce((all, one) => all + one, 0n));
      expect(gaps(after, { lo: 0n, hi: POSITION_END })).toEqual([]);
      before = after;
    }
    expect(before.length).toBeLessThanOrEqual(6 * SITES.length);
  });
  fc.assert(property, { seed, numRuns: 100 });
});

test("of 100,000 users each site has its share within 0.5 points, and no more move than must", () => {
  const hashes = Array.from({ length: UIDS }, (_, i) => hashUid(BigInt(10_000 + i)));
  const placed = (map: SegmentMap<string>) => hashes.map((hash) => pieceAt(map, hash)!.value);
  const count = (of: readonly string[], site: string) => of.filter((one) => one === site).length;
  const first = cut([], fractions({ a: 0.35, b: 0.25, c: 0.2, d: 0.15, e: 0.05 }));
  // A region fails, and comes back; then a site grows.
  const second = cut(first, fractions({ c: 0.45, d: 0.35, e: 0.2 }));
  const third = cut(second, fractions({ a: 0.3, b: 0.2, c: 0.2, d: 0.15, e: 0.15 }));
  const wanted = [
    { a: 0.35, b: 0.25, c: 0.2, d: 0.15, e: 0.05 },
    { a: 0, b: 0, c: 0.45, d: 0.35, e: 0.2 },
    { a: 0.3, b: 0.2, c: 0.2, d: 0.15, e: 0.15 },
  ];
  const places = [first, second, third].map(placed);
  for (const [i, shareOf] of wanted.entries())
    for (const [site, share] of Object.entries(shareOf))
      expect(Math.abs(count(places[i]!, site) / UIDS - share)).toBeLessThan(0.005);
  for (const [before, after] of [
    [places[0]!, places[1]!],
    [places[1]!, places[2]!],
  ] as const) {
    const moved = after.filter((site, i) => site !== before[i]).length;
    const least = SITES.map((site) => count(after, site) - count(before, site))
      .filter((by) => by > 0)
      .reduce((all, by) => all + by, 0);
    expect(moved).toBe(least);
    expect(moved).toBeGreaterThan(10_000);
  }
});

test("fractions that are not whole are refused", () => {
  expect(() => cut([], fractions({ a: 0.5, b: 0.4 }))).toThrow("together 1");
  expect(() => cut([], fractions({ a: 1.5, b: -0.5 }))).toThrow("not negative");
  expect(() => cut([], fractions({ a: Number.NaN, b: 1 }))).toThrow(RangeError);
});
