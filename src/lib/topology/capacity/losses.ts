import { listed } from "./listed.js";
import { idcPath, regionPath } from "../paths.js";
import type { Path } from "../problem.js";
import type { Topology } from "../types.js";

/** Places that fail together, and that the rest must be able to do without. */
export interface Loss {
  /** `region shanghai`, `idc sh-1`, `regions shanghai and tianjin`. */
  readonly what: string;
  readonly path: Path;
  /** Empty where an idc is lost without its region. */
  readonly regions: readonly string[];
  readonly idcs: ReadonlySet<string>;
}

/** Most combinations of regions that are looked at; beyond it only those of the largest regions. */
const MAX_COMBINATIONS = 500;

/**
 * What must be survived: as many regions at once as `policy.regionsLost` says, and each idc. An idc that is all of its region is
 * lost with the region only, and not at all where no region may be lost.
 */
export function lossesOf(topology: Topology): Loss[] {
  const { regions, idcs, policy } = topology;
  const byRegion = new Map<string, string[]>(regions.map(({ id }) => [id, []]));
  for (const idc of idcs) byRegion.get(idc.region)!.push(idc.id);
  const together = Math.min(policy.regionsLost, regions.length);
  const sorted = largestFirst(topology);
  const looked = new Set(sorted.slice(0, mostOf(sorted.length, together)));
  // In the order of the file, whatever their size.
  const names = regions.flatMap(({ id }) => (looked.has(id) ? [id] : []));
  const lost = together === 0 ? [] : combinations(names, together);
  return [
    ...lost.map((combination) => ({
      what: `${together === 1 ? "region" : "regions"} ${listed(combination)}`,
      path: together === 1 ? regionPath(combination[0]!) : ["policy", "regionsLost"],
      regions: combination,
      idcs: new Set(combination.flatMap((region) => byRegion.get(region)!)),
    })),
    ...idcs
      .filter(({ region }) => byRegion.get(region)!.length > 1)
      .map((idc) => ({
        what: `idc ${idc.id}`,
        path: idcPath(idc),
        regions: [],
        idcs: new Set([idc.id]),
      })),
  ];
}

function largestFirst({ regions, sets }: Topology): string[] {
  const users = new Map<string, number>();
  for (const { region, capacity } of sets) {
    users.set(region, (users.get(region) ?? 0) + capacity.onlineUsers);
  }
  return regions.map(({ id }) => id).toSorted((a, b) => (users.get(b) ?? 0) - (users.get(a) ?? 0));
}

/** Of how many things at the most, up to `n`, `size` can be taken in no more than so many ways. */
function mostOf(n: number, size: number): number {
  if (size <= 1) return n;
  let most = size;
  for (let ways = 1; most < n; most += 1) {
    ways = (ways * (most + 1)) / (most + 1 - size);
    if (ways > MAX_COMBINATIONS) break;
  }
  return most;
}

/** All ways to take so many of the names from a place in the list on. */
function combinations(names: readonly string[], size: number, from = 0): string[][] {
  if (size === 0) return [[]];
  const found: string[][] = [];
  for (let i = from; i <= names.length - size; i += 1) {
    for (const rest of combinations(names, size - 1, i + 1)) found.push([names[i]!, ...rest]);
  }
  return found;
}
