import type { Idc, Topology } from "../types.js";
import { type Carrier, EVERYONE, maskOf } from "./groups.js";
import type { Loss } from "./losses.js";

/** For each group of carriers, by its mask, what the idcs have together that one of them reaches. */
type Sums = Float64Array;

/** What is there for each group of users, of one thing that idcs have: now, and when something is lost. */
export interface Supply {
  readonly now: Sums;
  without(loss: Loss): Sums;
}

/**
 * A maker of supplies. `have` says what each idc has, in the order of the topology, and `perUser` what of it one user takes: an idc has
 * no more for a group than the users take whom the lines of the group's carriers into it carry. Null for what lines do not limit.
 */
export function supplier(
  topology: Topology,
  carriers: readonly Carrier[],
): (have: readonly number[], perUser: number | null) => Supply {
  const reach = topology.idcs.map((idc) => maskOf(idc.carriers, carriers));
  const indexes = new Map(topology.idcs.map(({ id }, i) => [id, i]));
  const byRegion = new Map<string, number[]>(topology.regions.map(({ id }) => [id, []]));
  for (const [i, { region }] of topology.idcs.entries()) byRegion.get(region)!.push(i);

  const lines = topology.idcs.map((idc) => lineSums(idc, carriers));

  return (have, perUser) => {
    const add = (sums: Sums, idc: number, sign: 1 | -1): void => {
      const value = have[idc]!;
      const line = perUser === null ? null : lines[idc]!;
      sums[EVERYONE]! += sign * value;
      for (let group = 1; group < sums.length; group += 1) {
        if ((group & reach[idc]!) === 0) continue;
        sums[group]! += sign * (line ? Math.min(value, line[group]! * perUser!) : value);
      }
    };
    const sum = (idcs: Iterable<number>): Sums => {
      const sums = new Float64Array(2 ** carriers.length);
      for (const idc of idcs) add(sums, idc, 1);
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
      else for (const id of idcs) add(left, indexes.get(id)!, -1);
      return left;
    };
    return { now, without };
  };
}

/** Of each group of carriers, the users that their lines into the idc carry together; null where none is limited. */
function lineSums(
  { carriers: reached, carrierUsers }: Idc,
  carriers: readonly Carrier[],
): Sums | null {
  if (Object.keys(carrierUsers).length === 0) return null;
  const sums = new Float64Array(2 ** carriers.length);
  for (const [i, { id }] of carriers.entries()) {
    if (!reached.includes(id)) continue;
    const users = Object.hasOwn(carrierUsers, id) ? carrierUsers[id]! : Infinity;
    for (let group = 1; group < sums.length; group += 1) {
      if ((group & (1 << i)) !== 0) sums[group]! += users;
    }
  }
  return sums;
}

function subtract(sums: Sums, taken: Sums): void {
  for (let group = 0; group < sums.length; group += 1) sums[group]! -= taken[group]!;
}
