import { cheapest } from "./cheapest.js";
import type { Field } from "./field.js";
import {
  loadOf,
  MEMORY,
  NETWORK,
  OPS,
  RESOURCES,
  type Resource,
  ROUNDING,
  sum,
  type Vector,
} from "./vector.js";

/** No choice of pieces makes the highest load of a shard lower than this. Proofs: docs/planning.md. */
export function levelBound(fields: readonly Field[], added: readonly Vector[]): number {
  const room = sum(added);
  const shared = RESOURCES.map((resource) => sharedLevel(fields, room[resource], resource));
  return Math.max(...shared, positionLevel(fields, added));
}

/** Of one resource alone: water runs from the fullest shards to the new ones until all stand at one level. */
function sharedLevel(fields: readonly Field[], room: number, resource: Resource): number {
  const sorted = fields
    .map(({ total, shard }) => [total[resource], shard.capacity[resource]] as const)
    .toSorted(([demandA, a], [demandB, b]) => demandB / b - demandA / a);
  let level = 0;
  let [demands, capacities] = [0, room];
  for (const [demand, capacity] of sorted) {
    demands += demand;
    capacities += capacity;
    level = Math.max(level, demands / capacities);
  }
  return level;
}

/** The keys of one uid stay together: the heaviest position is on its shard or on a new one. */
function positionLevel(fields: readonly Field[], added: readonly Vector[]): number {
  const most = (resource: Resource) => Math.max(...added.map((capacity) => capacity[resource]));
  const widest: Vector = [most(MEMORY), most(OPS), most(NETWORK)];
  let level = 0;
  for (const field of fields) {
    for (const { from, to, lo, hi } of field.stretches) {
      if (hi - lo > 2n * BigInt(to - from)) continue;
      for (let i = from; i < to; i += 1) {
        const { lo: first, hi: end } = field.cell(i);
        if (end - first > 1n) continue;
        const demand: Vector = [field.loads[0][i]!, field.loads[1][i]!, field.loads[2][i]!];
        const least = Math.min(loadOf(demand, field.shard.capacity), loadOf(demand, widest));
        level = Math.max(level, least);
      }
    }
  }
  return level;
}

/** How near the crossed bound is found, as a share of it. */
const CLOSE = 2e-4;

/**
 * A higher bound, for when the resources stand in each other's way: shards that give away one resource give some of another with
 * it, at least what is cheapest in that, and the new shards have only so much of it. `above` is a level that can be had.
 */
export function crossedLevel(
  fields: readonly Field[],
  added: readonly Vector[],
  bound: number,
  above: number,
): number {
  const room = sum(added);
  const possible = (level: number): boolean =>
    RESOURCES.every((paid) => {
      let cost = 0;
      for (const field of fields) {
        cost += leastGiven(field, level, paid);
        if (cost > level * room[paid] * (1 + ROUNDING)) return false;
      }
      return true;
    });
  let [low, high] = [bound, above];
  if (possible(low)) return low;
  while (high - low > low * CLOSE) {
    const middle = (low + high) / 2;
    if (possible(middle)) high = middle;
    else low = middle;
  }
  return low;
}

/** How much of `paid` a shard gives away at least when it comes down to the level. */
export function leastGiven(field: Field, level: number, paid: Resource): number {
  const need = needAt(field, level);
  let least = 0;
  for (const resource of RESOURCES) {
    if (need[resource] <= 0) continue;
    const cost =
      resource === paid
        ? need[paid]
        : cheapest(field.loads[resource], field.loads[paid], need[resource]).cost;
    least = Math.max(least, Math.min(cost, field.total[paid]));
  }
  return least;
}

/** How much of each resource is too much; not above 0 where it is not. */
export function needAt({ total, shard }: Field, level: number): Vector {
  const of = (resource: Resource): number => {
    const need = total[resource] - level * shard.capacity[resource];
    return need <= total[resource] * ROUNDING ? Math.min(need, 0) : need;
  };
  return [of(MEMORY), of(OPS), of(NETWORK)];
}
