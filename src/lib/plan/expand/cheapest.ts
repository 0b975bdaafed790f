/** What it costs at least to take away `need` of a resource, if cells can be divided. */
export interface Cheapest {
  readonly cost: number;
  /** Cells of a lower cost per gain are taken whole, those of a higher one not at all. */
  readonly ratio: number;
}

/** Grows as needed; one call at a time uses it. */
let ratios = new Float64Array(0);
let order = new Int32Array(0);

/**
 * The fractional knapsack: the cheapest cells by cost per gain, until the gain is `need`. By selection, not by sorting: `O(n)` on
 * average. `free` says which cells may be taken, all when null. The cost is infinite when there is not enough.
 */
export function cheapest(
  gain: Float64Array,
  cost: Float64Array,
  need: number,
  free: ((cell: number) => boolean) | null = null,
): Cheapest {
  if (ratios.length < gain.length) {
    ratios = new Float64Array(gain.length);
    order = new Int32Array(gain.length);
  }
  let count = 0;
  for (let i = 0; i < gain.length; i += 1) {
    if (gain[i]! <= 0 || (free !== null && !free(i))) continue;
    ratios[i] = cost[i]! / gain[i]!;
    order[count++] = i;
  }
  let [from, to] = [0, count];
  let [gained, paid] = [0, 0];
  while (from < to) {
    const pivot = medianOfThree(from, to);
    // Three parts: below, equal to and above the pivot.
    let [low, at, high] = [from, from, to];
    let [below, belowCost, equal, equalCost] = [0, 0, 0, 0];
    while (at < high) {
      const cell = order[at]!;
      const ratio = ratios[cell]!;
      if (ratio > pivot) {
        high -= 1;
        order[at] = order[high]!;
        order[high] = cell;
        continue;
      }
      if (ratio < pivot) {
        order[at] = order[low]!;
        order[low] = cell;
        low += 1;
        below += gain[cell]!;
        belowCost += cost[cell]!;
      } else {
        equal += gain[cell]!;
        equalCost += cost[cell]!;
      }
      at += 1;
    }
    if (gained + below >= need) to = low;
    else if (gained + below + equal >= need) {
      return { cost: paid + belowCost + (need - gained - below) * pivot, ratio: pivot };
    } else {
      gained += below + equal;
      paid += belowCost + equalCost;
      from = high;
    }
  }
  return { cost: Infinity, ratio: Infinity };
}

function medianOfThree(from: number, to: number): number {
  const a = ratios[order[from]!]!;
  const b = ratios[order[(from + to) >>> 1]!]!;
  const c = ratios[order[to - 1]!]!;
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
