import type { Topology } from "../types.js";
import { type Carrier, EVERYONE, type Mask, maskOf } from "./groups.js";
import type { Loss } from "./losses.js";

/** For each group of carriers, by its mask, what the idcs have together that one of them reaches. */
type Sums = Float64Array;

/** What is there for each group of users, of one thing that idcs have: now, and when something is lost. */
export interface Supply {
  readonly now: Sums;
  without(loss: Loss): Sums;
}

/** A maker of supplies. `have` says what each idc has, in the order of the topology. */
export function supplier(
  topology: Topology,
  carriers: readonly Carrier[],
): (have: readonly number[]) => Supply {
  const reach = topology.idcs.map((idc) => maskOf(idc.carriers, carriers));
  const indexes = new Map(topology.idcs.map(({ id }, i) => [id, i]));
  const byRegion = new Map<string, number[]>(topology.regions.map(({ id }) => [id, []]));
  for (const [i, { region }] of topology.idcs.entries()) byRegion.get(region)!.push(i);

  return (have) => {
    const sum = (idcs: Iterable<number>): Sums => {
      const sums = new Float64Array(2 ** carriers.length);
      for (const idc of idcs) add(sums, have[idc]!, reach[idc]!);
      return sums;
    };
    // Of regions that are lost in combinations: each is in many of them.
    const regions = new Map<string, Sums>();
    const inRegion = (region: string): Sums => {
      const sums = regions.get(region) ?? sum(byRegion.get(region)!);
      regions.set(region, sums);
      return sums;
    };
    const now = sum(indexes.values());
    const without = ({ regions: lost, idcs }: Loss): Sums => {
      const left = now.slice();
      if (lost.length > 1) for (const region of lost) subtract(left, inRegion(region));
      else for (const id of idcs) add(left, -have[indexes.get(id)!]!, reach[indexes.get(id)!]!);
      return left;
    };
    return { now, without };
  };
}

function add(sums: Sums, value: number, reach: Mask): void {
  sums[EVERYONE]! += value;
  for (let group = 1; group < sums.length; group += 1) {
    if ((group & reach) !== 0) sums[group]! += value;
  }
}

function subtract(sums: Sums, taken: Sums): void {
  for (let group = 0; group < sums.length; group += 1) sums[group]! -= taken[group]!;
}
