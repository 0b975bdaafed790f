import { cheapest } from "./cheapest.js";
import { type Donor, type Shed, whenSome } from "./donor.js";
import type { Field } from "./field.js";
import { Marks, type Ratio } from "./marks.js";
import { MEMORY, NETWORK, OPS, type Resource, RESOURCES, ROUNDING, type Vector } from "./vector.js";

/** As few bytes as can be. */
export function fewest(donor: Donor): Shed | null {
  return cheapestCells(donor, () => MEMORY);
}

/**
 * When the new shards have too little of a resource: as little of that as can be, and as few bytes as can be. Of two resources
 * both can be had at once: see docs/planning.md.
 */
export function leanest(donor: Donor, scarce: Resource): Shed | null {
  const { field, need } = donor;
  if (scarce === MEMORY) return fewest(donor);
  // What must go of the scarce one is taken where it is densest, and what must go of others where there is least of it.
  const dense = cheapestCells(donor, (resource) => (resource === scarce ? MEMORY : scarce));
  if (need[scarce] <= 0 || need[MEMORY] <= 0 || dense === null) return dense;
  const few = dense.demand[MEMORY] <= need[MEMORY] * (1 + ROUNDING);
  const little = dense.demand[scarce] <= need[scarce] * (1 + ROUNDING);
  return few && little ? dense : (band(field, need[MEMORY], scarce, need[scarce]) ?? dense);
}

/** The cells by `cost` for what is needed, resource by resource: none that is not among the cheapest for one of them. */
function cheapestCells(
  { field, need }: Donor,
  costOf: (resource: Resource) => Resource,
): Shed | null {
  const marks = new Marks(field);
  const needed = RESOURCES.filter((resource) => need[resource] > 0).toSorted(
    (a, b) => Number(a === MEMORY) - Number(b === MEMORY),
  );
  for (const resource of needed) {
    if (marks.demand[resource] >= need[resource] || marks.widenPart(need)) continue;
    marks.completeParts();
    const gain = field.loads[resource];
    const cost = field.loads[costOf(resource)];
    const left = need[resource] - marks.demand[resource];
    const { ratio: most } = cheapest(gain, cost, left, (cell) => !marks.has(cell));
    if (most === Infinity) return null;
    const ratio: Ratio = (cell) => (gain[cell]! > 0 ? cost[cell]! / gain[cell]! : Infinity);
    for (let cell = 0; cell < field.cells; cell += 1) {
      if (!marks.has(cell) && ratio(cell) < most * (1 - ROUNDING)) marks.take(cell);
    }
    const among: Ratio = (cell) => (ratio(cell) <= most * (1 + ROUNDING) ? ratio(cell) : Infinity);
    marks.grow(only(resource, need), among);
  }
  return whenSome(field, marks);
}

/**
 * So many bytes with so much of another resource, both to the point: cells of neither too much nor too little of it for their
 * bytes. Null when there are no such.
 */
function band(field: Field, bytes: number, resource: Resource, amount: number): Shed | null {
  const [cost, gain] = [field.loads[MEMORY], field.loads[resource]];
  const order = Array.from({ length: field.cells }, (_, cell) => cell)
    .filter((cell) => cost[cell]! > 0)
    .toSorted((a, b) => gain[a]! / cost[a]! - gain[b]! / cost[b]!);
  /** The cells, and the share of each, that hold `bytes` after the first `skipped` bytes, the sparsest first. */
  const from = (skipped: number): [cell: number, from: number, to: number][] => {
    const cells: [number, number, number][] = [];
    let at = 0;
    for (const cell of order) {
      const lo = Math.max(0, skipped - at) / cost[cell]!;
      const hi = Math.min(1, (skipped + bytes - at) / cost[cell]!);
      if (lo < hi) cells.push([cell, lo, hi]);
      at += cost[cell]!;
    }
    return cells;
  };
  const amountOf = (skipped: number): number =>
    from(skipped).reduce((all, [cell, lo, hi]) => all + gain[cell]! * (hi - lo), 0);
  let [low, high] = [0, field.total[MEMORY] - bytes];
  if (amountOf(low) > amount || amountOf(high) < amount) return null;
  for (let i = 0; i < 40; i += 1) {
    const middle = (low + high) / 2;
    if (amountOf(middle) < amount) low = middle;
    else high = middle;
  }
  const marks = new Marks(field);
  for (const [cell, lo, hi] of from(high)) {
    if (hi - lo >= 1) marks.take(cell);
    else marks.takePart(cell, "lo", hi - lo);
  }
  return whenSome(field, marks);
}

function only(resource: Resource, need: Vector): Vector {
  return [
    resource === MEMORY ? need[MEMORY] : 0,
    resource === OPS ? need[OPS] : 0,
    resource === NETWORK ? need[NETWORK] : 0,
  ];
}
