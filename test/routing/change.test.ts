import fc from "fast-check";
import { expect, test } from "vitest";
import { withReaders, withShard, withWriters } from "../../src/lib/routing/change.js";
import { checkTable } from "../../src/lib/routing/check.js";
import { lookup } from "../../src/lib/routing/lookup.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { subtract } from "../../src/lib/keyspace/map.js";
import type { Segment } from "../../src/lib/keyspace/segment.js";
import { TABLE } from "./table.js";

const bounds = fc
  .uniqueArray(fc.bigInt({ min: 0n, max: 200n }), { minLength: 2, maxLength: 2 })
  .map((pair) => {
    const [lo, hi] = pair.toSorted((a, b) => (a < b ? -1 : 1));
    return { lo: lo!, hi: hi! };
  });
const nodes = fc.constantFrom(...Object.keys(TABLE.nodes));

/** What lies in later ones too is only in the first. */
function disjoint(segments: readonly Segment[]): Segment[] {
  return segments.flatMap((segment, i) => subtract([segment], segments.slice(0, i)));
}

const changes = fc.array(
  fc.record({
    segments: fc.array(bounds, { minLength: 1, maxLength: 3 }).map(disjoint),
    node: nodes,
    what: fc.constantFrom("readers", "writer", "shard"),
    weight: fc.integer({ min: 1, max: 100 }),
  }),
  { maxLength: 8 },
);

test("after any changes the table is whole, says at each position what was said last there, and has no equal neighbours", () => {
  fc.assert(
    fc.property(changes, (list) => {
      let table: RouteTable = TABLE;
      const model = Array.from({ length: 200 }, (_, i) => {
        const { shard, writer, generation, readers } = lookup(TABLE, BigInt(i))!;
        return { shard, writer, generation, readers };
      });
      for (const [n, { segments, node, what, weight }] of list.entries()) {
        const readers = [{ node, weight }];
        const writer = { writer: node, shard: `p${n}`, generation: BigInt(n + 10) };
        const [apply, said] = {
          readers: [() => withReaders(table, segments, readers), { readers }] as const,
          writer: [
            () =>
              withWriters(
                table,
                segments.map((segment) => ({ ...segment, ...writer })),
              ),
            writer,
          ] as const,
          shard: [() => withShard(table, segments, `q${n}`), { shard: `q${n}` }] as const,
        }[what];
        table = apply();
        for (const { lo, hi } of segments) {
          for (let i = Number(lo); i < Number(hi); i += 1) model[i] = { ...model[i]!, ...said };
        }
      }
      expect(checkTable(table)).toEqual([]);
      for (const [i, expected] of model.entries())
        expect(lookup(table, BigInt(i))).toMatchObject(expected);
      for (const [i, { lo: _lo, hi: _hi, ...route }] of table.segments.entries()) {
        if (i === 0) continue;
        const { lo: _l, hi: _h, ...before } = table.segments[i - 1]!;
        expect(route).not.toEqual(before);
      }
    }),
  );
});

test("readers of weight 0 are left out, the others are sorted", () => {
  const { segments } = withReaders(
    TABLE,
    [{ lo: 0n, hi: 100n }],
    [
      { node: "sz-1", weight: 5 },
      { node: "sh-1", weight: 0 },
      { node: "sh-2", weight: 95 },
    ],
  );
  expect(segments[0]?.readers).toEqual([
    { node: "sh-2", weight: 95 },
    { node: "sz-1", weight: 5 },
  ]);
});

test("a change outside of the domain is a bug of the caller", () => {
  const writer = { writer: "sh-1", shard: "p0", generation: 9n };
  expect(() => withWriters(TABLE, [{ lo: 150n, hi: 201n, ...writer }])).toThrow(RangeError);
  expect(() => withReaders(TABLE, [{ lo: 5n, hi: 5n }], [])).toThrow(RangeError);
});

test("nobody owns what lies outside of the domain", () => {
  expect(lookup(TABLE, 200n)).toBeNull();
  expect(lookup(TABLE, 99n)?.shard).toBe("p0");
  expect(lookup(TABLE, 100n)?.shard).toBe("p1");
});
