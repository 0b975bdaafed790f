import type { Lp } from "./lp.js";

/** What prices of the rows prove of an LP, whoever found them. */
export interface Proof {
  /** No solution has a lower cost: weak duality. */
  readonly bound: number;
  /** Of each column, what one unit of it costs more than the prices pay for. */
  readonly reduced: Float64Array;
  /** The prices, without those that would prove nothing. */
  readonly prices: Float64Array;
}

/**
 * For any x that keeps to the rows and any prices y, c x = y A x + (c - y A) x. The first part is at least the sum over the rows of
 * the price times the limit of the row on the side of its sign, the second at least the sum over the columns at the end of their
 * range that is the cheapest. A price whose side has no limit is taken for 0.
 */
export function proofOf(lp: Lp, cost: Float64Array, duals: Float64Array): Proof {
  const prices = new Float64Array(lp.rows);
  let bound = 0;
  for (let row = 0; row < lp.rows; row += 1) {
    const price = duals[row]!;
    const limit = price > 0 ? lp.rowLower[row]! : lp.rowUpper[row]!;
    if (price === 0 || !Number.isFinite(limit)) continue;
    prices[row] = price;
    bound += price * limit;
  }
  const reduced = new Float64Array(lp.cols);
  for (let col = 0; col < lp.cols; col += 1) {
    let d = cost[col]!;
    for (let at = lp.starts[col]!; at < lp.starts[col + 1]!; at += 1) {
      d -= prices[lp.indices[at]!]! * lp.values[at]!;
    }
    reduced[col] = d;
    bound += d * (d > 0 ? lp.lower[col]! : Math.min(lp.upper[col]!, lp.most[col]!));
  }
  return { bound, reduced, prices };
}
