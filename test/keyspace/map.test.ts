import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clip,
  difference,
  gaps,
  intersect,
  normalise,
  overlaps,
  overlay,
  pieceAt,
  pile,
  sortSegments,
  split,
  subtract,
  union,
  without,
  type Piece,
  type SegmentMap,
} from "../../src/lib/keyspace/map.js";
import type { Segment } from "../../src/lib/keyspace/segment.js";

const END = 24n;
const POSITIONS = Array.from({ length: Number(END) }, (_, i) => BigInt(i));

const segment: fc.Arbitrary<Segment> = fc
  .tuple(fc.bigInt({ min: 0n, max: END - 1n }), fc.bigInt({ min: 1n, max: END }))
  .map(([a, b]) => (a < b ? { lo: a, hi: b } : { lo: b - 1n, hi: a + 1n }));

const heap = fc.array(segment, { maxLength: 6 });

/** What a map says at every position, as a list: the model that the algebra is held against. */
type Flat = (string | null)[];

const flatMap: fc.Arbitrary<Flat> = fc.array(fc.constantFrom("a", "b", null), {
  minLength: Number(END),
  maxLength: Number(END),
});

function fromFlat(flat: Flat): Piece<string>[] {
  return normalise(
    flat.flatMap((value, i) =>
      value === null ? [] : [{ lo: BigInt(i), hi: BigInt(i) + 1n, value }],
    ),
  );
}

function flat<T>(map: SegmentMap<T>): (T | null)[] {
  return POSITIONS.map((at) => map.find(({ lo, hi }) => lo <= at && at < hi)?.value ?? null);
}

function covered(segments: readonly Segment[]): boolean[] {
  return POSITIONS.map((at) => segments.some(({ lo, hi }) => lo <= at && at < hi));
}

/** Sorted, no overlaps, no empty pieces, no equal neighbours that touch. */
function expectNormal<T>(
  map: readonly Piece<T>[],
  same: (a: T, b: T) => boolean = Object.is,
): void {
  for (const [i, piece] of map.entries()) {
    expect(piece.lo < piece.hi).toBe(true);
    const before = map[i - 1];
    if (!before) continue;
    expect(before.hi <= piece.lo).toBe(true);
    expect(before.hi === piece.lo && same(before.value, piece.value)).toBe(false);
  }
}

function sortByStart(pieces: readonly Piece<number>[]): number[] {
  return pieces.toSorted((a, b) => Number(a.lo - b.lo)).map(({ value }) => value);
}

describe("held against lists of positions", () => {
  test("union covers what any segment covers, in segments that do not touch", () => {
    fc.assert(
      fc.property(heap, (segments) => {
        expect(covered(union(segments))).toEqual(covered(segments));
        expectNormal(union(segments).map((one) => ({ ...one, value: null })));
      }),
    );
  });

  test("gaps are what no segment covers", () => {
    fc.assert(
      fc.property(heap, segment, (segments, domain) => {
        const expected = POSITIONS.map(
          (at, i) => at >= domain.lo && at < domain.hi && !covered(segments)[i],
        );
        expect(covered(gaps(segments, domain))).toEqual(expected);
      }),
    );
  });

  test("overlaps are what two or more segments cover", () => {
    fc.assert(
      fc.property(heap, (segments) => {
        const expected = POSITIONS.map(
          (at) => segments.filter(({ lo, hi }) => lo <= at && at < hi).length > 1,
        );
        expect(covered(overlaps(segments))).toEqual(expected);
      }),
    );
  });

  test("subtract leaves what only the first covers", () => {
    fc.assert(
      fc.property(heap, heap, (from, take) => {
        const taken = covered(take);
        expect(covered(subtract(from, take))).toEqual(
          covered(from).map((on, i) => on && !taken[i]),
        );
      }),
    );
  });

  test("without keeps the values outside of what is taken", () => {
    fc.assert(
      fc.property(flatMap, heap, (a, take) => {
        const taken = covered(take);
        expect(flat(without(fromFlat(a), take))).toEqual(
          a.map((value, i) => (taken[i] ? null : value)),
        );
      }),
    );
  });

  test("overlay prefers the upper map", () => {
    fc.assert(
      fc.property(flatMap, flatMap, (a, b) => {
        const result = overlay(fromFlat(a), fromFlat(b));
        expect(flat(result)).toEqual(a.map((value, i) => b[i] ?? value));
        expectNormal(result);
      }),
    );
  });

  test("intersect pairs the values where both maps have one", () => {
    fc.assert(
      fc.property(flatMap, flatMap, (a, b) => {
        const expected = a.map((value, i) =>
          value === null || b[i] === null ? null : [value, b[i]],
        );
        expect(flat(intersect(fromFlat(a), fromFlat(b)))).toEqual(expected);
      }),
    );
  });

  test("difference names the change at every position that changed, and at no other", () => {
    fc.assert(
      fc.property(flatMap, flatMap, (a, b) => {
        const result = difference(fromFlat(a), fromFlat(b));
        const expected = a.map((before, i) => (before === b[i] ? null : { before, after: b[i] }));
        expect(flat(result)).toEqual(expected);
        expectNormal(result, (x, y) => x.before === y.before && x.after === y.after);
      }),
    );
  });

  test("pieceAt finds the piece, or says that there is none", () => {
    fc.assert(
      fc.property(flatMap, (a) => {
        const map = fromFlat(a);
        expect(POSITIONS.map((at) => pieceAt(map, at)?.value ?? null)).toEqual(a);
      }),
    );
  });

  test("clip keeps what lies within", () => {
    fc.assert(
      fc.property(flatMap, segment, (a, within) => {
        const inside = covered([within]);
        expect(flat(clip(fromFlat(a), within))).toEqual(
          a.map((value, i) => (inside[i] ? value : null)),
        );
      }),
    );
  });

  test("split changes no value and leaves no piece across a cut", () => {
    fc.assert(
      fc.property(flatMap, fc.array(fc.bigInt({ min: -1n, max: END + 1n })), (a, cuts) => {
        const result = split(fromFlat(a), cuts);
        expect(flat(result)).toEqual(a);
        for (const { lo, hi } of result)
          expect(cuts.some((cut) => cut > lo && cut < hi)).toBe(false);
        expect(normalise(result)).toEqual(fromFlat(a));
      }),
    );
  });

  test("pile lists everything that lies over a position, what begins first first", () => {
    fc.assert(
      fc.property(heap, (segments) => {
        const named = segments.map((one, i) => ({ ...one, value: i }));
        const expected = POSITIONS.map((at) => {
          const over = sortByStart(named.filter(({ lo, hi }) => lo <= at && at < hi));
          return over.length === 0 ? null : over;
        });
        expect(flat(pile(named))).toEqual(expected);
      }),
    );
  });
});

test("sorting leaves the input alone", () => {
  const input = [
    { lo: 5n, hi: 6n },
    { lo: 1n, hi: 9n },
  ];
  expect(sortSegments(input)).toEqual([input[1], input[0]]);
  expect(input[0]?.lo).toBe(5n);
});

test("the end of the 64-bit domain is an ordinary bound", () => {
  const whole = { lo: 0n, hi: 2n ** 64n };
  expect(gaps([{ lo: 1n, hi: 2n ** 64n - 1n }], whole)).toEqual([
    { lo: 0n, hi: 1n },
    { lo: 2n ** 64n - 1n, hi: 2n ** 64n },
  ]);
});
