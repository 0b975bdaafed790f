import { cheapest } from "./cheapest.js";
import { type Donor, isFew, type Shed, whenSome } from "./donor.js";
import { Marks, type Ratio } from "./marks.js";
import { MEMORY, NETWORK, OPS, type Resource } from "./vector.js";

/** From very few runs to many, until the bytes are few enough. Null when they are not with fewer runs than `exact` has. */
export function fewRuns(donor: Donor, exact: Shed): Shed | null {
  const { field, need } = donor;
  const main = dearest(donor);
  if (main === null) return null;
  const [gain, cost] = [field.loads[main], field.loads[MEMORY]];
  const price = cheapest(gain, cost, need[main]).ratio;
  const ratio: Ratio = (cell) => (gain[cell]! > 0 ? cost[cell]! / gain[cell]! : Number.MAX_VALUE);
  for (let penalty = donor.leastBytes / 4, i = 0; i < 8; penalty /= 4, i += 1) {
    const marks = new Marks(field);
    for (const { from, to } of field.stretches)
      markRuns(marks, from, to, (cell) => price * gain[cell]! - cost[cell]!, penalty);
    marks.trim(need, ratio);
    if (!marks.grow(need, ratio)) continue;
    const found = whenSome(field, marks);
    if (found === null || !isFew(donor, found)) continue;
    return found.pieces.length < exact.pieces.length ? found : null;
  }
  return null;
}

/** Marks the runs of the highest total value, less a penalty for each of their ends within the stretch. */
function markRuns(
  marks: Marks,
  from: number,
  to: number,
  value: (cell: number) => number,
  penalty: number,
): void {
  const count = to - from;
  // Whether the best way to be inside (outside) at a cell was inside at the cell before.
  const wasIn = new Uint8Array(count);
  const wasInBeforeOut = new Uint8Array(count);
  let [inside, outside] = [0, 0];
  for (let i = 0; i < count; i += 1) {
    const edge = i === 0 ? 0 : penalty;
    const stay = inside;
    const enter = outside - edge;
    const leave = inside - edge;
    wasIn[i] = stay >= enter ? 1 : 0;
    wasInBeforeOut[i] = leave > outside ? 1 : 0;
    inside = Math.max(stay, enter) + value(from + i);
    outside = Math.max(outside, leave);
  }
  let isIn = inside > outside;
  for (let i = count - 1; i >= 0; i -= 1) {
    if (isIn) marks.take(from + i);
    isIn = (isIn ? wasIn[i] : wasInBeforeOut[i]) === 1;
  }
}

/** The resource other than memory that costs the most bytes to get rid of; null when none must go. */
function dearest({ field, need }: Donor): Resource | null {
  const costs = ([OPS, NETWORK] as const)
    .filter((resource) => need[resource] > 0)
    .map((resource) => ({
      resource,
      cost: cheapest(field.loads[resource], field.loads[MEMORY], need[resource]).cost,
    }));
  return costs.toSorted((a, b) => b.cost - a.cost)[0]?.resource ?? null;
}
