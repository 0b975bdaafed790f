import fc from "fast-check";
import { expect, test } from "vitest";
import { gaps, overlaps } from "../../src/lib/keyspace/map.js";
import { ringSegments } from "../../src/lib/keyspace/ring.js";
import { POSITION_END } from "../../src/lib/keyspace/segment.js";

const WHOLE = { lo: 0n, hi: POSITION_END };
const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), {
  minLength: 1,
  maxLength: 8,
});
const virtualNodes = fc.integer({ min: 1, max: 40 });

test("the shards cover the whole ring, each position once, in sorted segments that do not touch", () => {
  fc.assert(
    fc.property(names, virtualNodes, (shards, count) => {
      const ring = ringSegments(shards, count);
      expect([...ring.keys()]).toEqual(shards);
      const all = [...ring.values()].flat();
      expect(gaps(all, WHOLE)).toEqual([]);
      expect(overlaps(all)).toEqual([]);
      for (const segments of ring.values()) {
        for (const [i, { lo }] of segments.entries())
          expect(i === 0 || segments[i - 1]!.hi < lo).toBe(true);
      }
    }),
  );
});

test("the order in which the shards are named does not matter", () => {
  fc.assert(
    fc.property(names, virtualNodes, (shards, count) => {
      const ring = ringSegments(shards, count);
      for (const [shard, segments] of ringSegments(shards.toReversed(), count)) {
        expect(segments).toEqual(ring.get(shard));
      }
    }),
  );
});

test("a shard more takes positions from the others and moves none between them", () => {
  fc.assert(
    fc.property(
      names,
      virtualNodes,
      fc.bigInt({ min: 0n, max: POSITION_END - 1n }),
      (shards, count, at) => {
        const owner = (ring: ReturnType<typeof ringSegments>) =>
          [...ring].find(([, segments]) => segments.some(({ lo, hi }) => lo <= at && at < hi))?.[0];
        const after = owner(ringSegments([...shards, "the new one"], count));
        expect([owner(ringSegments(shards, count)), "the new one"]).toContain(after);
      },
    ),
  );
});

test("with many virtual nodes the shares are nearly equal", () => {
  const ring = ringSegments(["s0", "s1", "s2", "s3"], 512);
  for (const segments of ring.values()) {
    const share = Number(segments.reduce((sum, { lo, hi }) => sum + (hi - lo), 0n)) / 2 ** 64;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.3);
  }
});

test("the tokens never change: the ring is part of the data format", () => {
  expect(ringSegments(["a", "b"], 1)).toMatchInlineSnapshot(`
    Map {
      "a" => [
        {
          "hi": 4645164233638787558n,
          "lo": 439034872944509320n,
        },
      ],
      "b" => [
        {
          "hi": 439034872944509320n,
          "lo": 0n,
        },
        {
          "hi": 18446744073709551616n,
          "lo": 4645164233638787558n,
        },
      ],
    }
  `);
});

test("a single shard owns everything in one segment", () => {
  expect(ringSegments(["only"], 7)).toEqual(new Map([["only", [WHOLE]]]));
});

test("nonsense is refused", () => {
  expect(() => ringSegments([], 1)).toThrow(RangeError);
  expect(() => ringSegments(["a", "a"], 1)).toThrow(RangeError);
  expect(() => ringSegments(["a"], 0)).toThrow(RangeError);
  expect(() => ringSegments(["a"], 1.5)).toThrow(RangeError);
});
