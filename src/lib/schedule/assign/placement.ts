import type { Limit, Problem, UserClass } from "../types.js";
import { type LevelName, moveCosts } from "./levels.js";
import { reachOf } from "./reach.js";
import { tightest } from "./tightest.js";
import type { Model } from "./model.js";
import type { Shape } from "./shape.js";

/** Users of one class at one site. */
export interface Share {
  readonly site: string;
  readonly users: number;
}

export interface Placement {
  /** For each class of the problem, in its order: where its users are to be. What is missing has no place. */
  readonly shares: readonly (readonly Share[])[];
}

/** Everyone where they are. */
export function staying(classes: readonly UserClass[]): Placement {
  return {
    shares: classes.map(({ site, users }) => (site === null ? [] : [{ site, users }])),
  };
}

/** Below so many users it is rounding. */
const DUST = 1e-3;

/** The same fractions for all classes of a group. */
export function placementOf(
  problem: Problem,
  { sites, groups, part }: Shape,
  { places }: Model,
  values: Float64Array,
): Placement {
  const found = groups.map((): { site: number | null; users: number }[] => []);
  for (const [col, { group, site }] of places.entries()) {
    const users = values[col]! * part;
    if (users > DUST) found[group]!.push({ site, users });
  }
  const shares: Share[][] = problem.classes.map(() => []);
  for (const [i, { members }] of groups.entries()) {
    const all = found[i]!.reduce((sum, { users }) => sum + users, 0);
    for (const member of members) {
      for (const { site, users } of found[i]!) {
        if (site === null) continue;
        const part = (problem.classes[member]!.users * users) / all;
        shares[member]!.push({ site: sites[site]!.id, users: part });
      }
    }
  }
  return { shares };
}

/** The users that each of some limits counts. */
export function loadsOf(
  limits: readonly Limit[],
  { classes }: Pick<Problem, "classes">,
  { shares }: Placement,
): number[] {
  const byCarrier = new Map<string, Map<string, number>>();
  for (const [i, { carrier }] of classes.entries()) {
    const sums = byCarrier.get(carrier) ?? new Map<string, number>();
    byCarrier.set(carrier, sums);
    for (const { site, users } of shares[i]!) sums.set(site, (sums.get(site) ?? 0) + users);
  }
  return limits.map(({ carrier, sites }) => {
    const counted = carrier === null ? [...byCarrier.values()] : [byCarrier.get(carrier)];
    return sites.reduce(
      (sum, site) => counted.reduce((all, one) => all + (one?.get(site) ?? 0), sum),
      0,
    );
  });
}

/** Users who come to each site, by its id. */
export function arrivalsOf(problem: Problem, { shares }: Placement): Map<string, number> {
  const sums = new Map(problem.sites.map(({ id }) => [id, 0]));
  for (const [i, { site: home }] of problem.classes.entries()) {
    for (const { site, users } of shares[i]!) {
      if (site !== home) sums.set(site, sums.get(site)! + users);
    }
  }
  return sums;
}

/** What a placement comes to in each level: added up anew, from what it says and nothing else. */
export function valuesOf(problem: Problem, placement: Placement): Record<LevelName, number> {
  const { sites, limits, classes, costs, moves } = problem;
  const index = new Map(sites.map(({ id }, i) => [id, i]));
  const reach = reachOf(problem);
  let [unplaced, moved, cost] = [0, 0, 0];
  for (const [i, one] of classes.entries()) {
    const at = one.site === null ? undefined : index.get(one.site);
    const home = at !== undefined && reach(one).includes(at) ? at : null;
    const tolls = moves?.tolls(one.carrier, one.province) ?? null;
    const row = moveCosts(costs(one.carrier, one.province), tolls, home);
    let [placed, stayed] = [0, 0];
    for (const { site, users } of placement.shares[i]!) {
      placed += users;
      if (site === one.site) stayed += users;
      cost += users * row[index.get(site)!]!;
    }
    unplaced += rounded(one.users - placed);
    if (home !== null) moved += rounded(one.users - stayed);
  }
  const caps = tightest(limits);
  const over = loadsOf(caps, problem, placement).map((load, i) => rounded(load - caps[i]!.soft));
  const came = arrivalsOf(problem, placement);
  const seconds = sites.map(({ id, loginsPerSecond }) => {
    const users = rounded(came.get(id)!);
    return users === 0 ? 0 : users / loginsPerSecond;
  });
  return {
    unplaced,
    over: over.reduce((a, b) => a + b, 0),
    moved,
    cost,
    seconds: Math.max(0, ...seconds),
  };
}

function rounded(users: number): number {
  return users > DUST ? users : 0;
}
