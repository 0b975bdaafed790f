import type { Problem } from "../types.js";
import type { Model } from "./model.js";
import type { Shape } from "./shape.js";

/** What is minimised, in this order. With a number of moves that are allowed, `moved` is a limit and no level. */
export type LevelName = "unplaced" | "over" | "moved" | "cost" | "seconds";

/** What each column of a model costs in a level. */
export function costOf(
  level: LevelName,
  model: Model,
  { groups }: Shape,
  { classes, costs, moves }: Problem,
): Float64Array {
  const cost = new Float64Array(model.lp.cols);
  const places = (of: (group: number, site: number | null) => number): void => {
    for (const [col, { group, site }] of model.places.entries()) cost[col] = of(group, site);
  };
  switch (level) {
    case "unplaced":
      places((_, site) => (site === null ? 1 : 0));
      break;
    case "over":
      for (const col of model.over) if (col !== null) cost[col] = 1;
      break;
    case "moved":
      places((group, site) => {
        const { home } = groups[group]!;
        return home === null || home === site ? 0 : 1;
      });
      break;
    case "cost": {
      const rows = groups.map(({ members, home }) => {
        const { carrier, province } = classes[members[0]!]!;
        return moveCosts(costs(carrier, province), moves?.tolls(carrier, province) ?? null, home);
      });
      places((group, site) => (site === null ? 0 : rows[group]![site]!));
      break;
    }
    case "seconds":
      cost[model.finish!] = 1;
  }
  return cost;
}

/** What each site costs those who could stay at `home`; null where they have none. */
export function moveCosts(
  costs: readonly number[],
  tolls: readonly number[] | null,
  home: number | null,
): readonly number[] {
  if (tolls === null || home === null) return costs;
  return costs.map((cost, site) => (site === home ? cost : cost + tolls[home]! + tolls[site]!));
}
