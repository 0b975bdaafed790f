import fc from "fast-check";
import { expect, test } from "vitest";
import { proofOf } from "../../src/lib/schedule/assign/bound.js";
import { LpBuilder } from "../../src/lib/schedule/assign/lp.js";

const whole = fc.integer({ min: -4, max: 4 });
/** How far a row may be from what the solution makes of it, on each side; null for as far as it likes. */
const slack = fc.option(fc.nat({ max: 3 }));

const anyCase = fc.record({
  rows: fc.array(fc.record({ below: slack, above: slack, price: whole }), {
    minLength: 1,
    maxLength: 4,
  }),
  cols: fc.array(
    fc.record({
      cost: whole,
      at: fc.nat({ max: 5 }),
      below: fc.nat({ max: 2 }),
      above: slack,
      entries: fc.array(whole, { minLength: 4, maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

test("whatever the prices, no solution costs less than they prove", () => {
  let tight = 0;
  fc.assert(
    fc.property(anyCase, ({ rows, cols }) => {
      const builder = new LpBuilder();
      for (const [r, { below, above }] of rows.entries()) {
        const value = cols.reduce((sum, { at, entries }) => sum + at * entries[r]!, 0);
        builder.row(
          below === null ? -Infinity : value - below,
          above === null ? Infinity : value + above,
        );
      }
      for (const { at, below, above, entries } of cols) {
        for (const r of rows.keys()) builder.put(r, entries[r]!);
        builder.column(at - below, above === null ? Infinity : at + above, at + 7);
      }
      const cost = cols.reduce((sum, col) => sum + col.cost * col.at, 0);
      const { bound, prices } = proofOf(
        builder.build(),
        Float64Array.from(cols, (col) => col.cost),
        Float64Array.from(rows, ({ price }) => price),
      );
      expect(bound).toBeLessThanOrEqual(cost);
      if (bound === cost && prices.some((price) => price !== 0)) tight += 1;
    }),
    { numRuns: 2_000, seed: 4 },
  );
  expect(tight).toBeGreaterThan(5);
});
