import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SegmentTable } from "../../src/lib/engines/segment-table.js";
import { overlapOf } from "../../src/lib/keyspace/map.js";

interface One {
  readonly keyspace: string;
  readonly lo: bigint;
  readonly hi: bigint;
  readonly made: number;
}

const WIDTH = 4n;

describe("a table of segments", () => {
  test("answers as a plain list does, after any changes, and changes no older table", () => {
    const change = fc.record({
      keyspace: fc.constantFrom("a", "b"),
      place: fc.integer({ min: 0, max: 300 }),
      width: fc.bigInt({ min: 1n, max: WIDTH }),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(fc.nat(300), { maxLength: 300 }),
        fc.array(change, { maxLength: 400 }),
        (places, changes) => {
          const start = [...new Set(places)].map((place): One => {
            const lo = BigInt(place) * WIDTH;
            return { keyspace: "a", lo, hi: lo + WIDTH, made: -1 };
          });
          let model = start;
          let table = SegmentTable.of(start);
          const first = table;
          for (const [made, { keyspace, place, width, remove }] of changes.entries()) {
            const lo = BigInt(place) * WIDTH;
            const one = { keyspace, lo, hi: lo + width, made };
            model = model.filter((each) => each.keyspace !== keyspace || each.lo !== lo);
            if (!remove) model.push(one);
            table = remove ? table.without(one) : table.with(one);
          }
          expect(table.all()).toEqual(sorted(model));
          for (let lo = 0n; lo < 301n * WIDTH; lo += 7n) {
            const segment = { lo, hi: lo + (lo % 40n) + 1n };
            const found = sorted(model).filter(
              (each) => each.keyspace === "a" && overlapOf(each, segment) !== null,
            );
            expect(table.overlapping("a", segment)).toEqual(found);
            const holder = found.find((each) => each.lo <= lo) ?? null;
            expect(table.at("a", lo)).toEqual(holder);
          }
          expect(first.all()).toEqual(sorted(start));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a thousand changes and searches among many look at few of them each", () => {
    let looks = 0;
    const watched = (lo: bigint): One => ({
      keyspace: "a",
      hi: lo + 1n,
      made: 0,
      get lo() {
        looks += 1;
        return lo;
      },
    });
    let table = SegmentTable.of(Array.from({ length: 8_000 }, (_, i) => watched(BigInt(2 * i))));
    looks = 0;
    for (let i = 0n; i < 1_000n; i += 1n) {
      const one = watched(16n * i + 1n);
      expect(table.overlapping("a", { lo: 16n * i + 1n, hi: 16n * i + 2n })).toEqual([]);
      table = table.with(one);
      if (i % 2n === 0n) table = table.without(one);
    }
    expect(looks / 1_000).toBeLessThan(80);
  });
});

function sorted(all: readonly One[]): One[] {
  return all.toSorted((a, b) => a.keyspace.localeCompare(b.keyspace) || Number(a.lo - b.lo));
}
