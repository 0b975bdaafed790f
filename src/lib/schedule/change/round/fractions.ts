import { cut } from "../../../policy/cut.js";
import type { PolicyClass } from "../../../policy/document.js";
import { fractionsOf } from "../../../policy/fractions.js";
import type { Placement } from "../../assign/placement.js";
import type { Part } from "./users.js";

/** Of a class: less is rounding, and would cut its map for nobody. */
const NOTHING = 1e-6;

/**
 * A class (its number is `of`) with the fractions at which its parts are placed; as it is where they are the same. None at all where
 * no part has a place.
 */
export function classAsPlaced(
  one: PolicyClass,
  of: number,
  parts: readonly Part[],
  shares: Placement["shares"],
): PolicyClass[] {
  const fractions = new Map<string, number>();
  for (const [i, part] of parts.entries()) {
    if (part.of !== of) continue;
    for (const { site, users } of shares[i]!)
      fractions.set(site, (fractions.get(site) ?? 0) + (part.share * users) / part.users);
  }
  const before = fractionsOf(one.base);
  const sites = [...new Set([...before.keys(), ...fractions.keys()])];
  const change = (site: string) => Math.abs((before.get(site) ?? 0) - (fractions.get(site) ?? 0));
  if (sites.every((site) => change(site) < NOTHING)) return one.base.length === 0 ? [] : [one];
  const left = [...fractions].filter(([, share]) => share >= NOTHING);
  const sum = left.reduce((all, [, share]) => all + share, 0);
  if (sum === 0) return [];
  return [{ ...one, base: cut(one.base, new Map(left.map(([site, n]) => [site, n / sum]))) }];
}
