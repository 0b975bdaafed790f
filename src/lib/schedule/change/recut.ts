import { cut } from "../../policy/cut.js";
import type { PolicyClass } from "../../policy/document.js";
import { fractionsOf } from "../../policy/fractions.js";

/** Of those of a class whom the policy has at a site, by that site: the part (0..1) that is to be at each other one. */
export type Leaving = (one: PolicyClass) => ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * The classes once `done` (0..1) of those who are to leave have left: exactly the minimum moves. `first`: before any of them had;
 * `now`: as they are, in the same order.
 */
export function recut(
  first: readonly PolicyClass[],
  now: readonly PolicyClass[],
  leaving: Leaving,
  done: number,
): PolicyClass[] {
  return first.map((one, i) => {
    const had = fractionsOf(one.base);
    const fractions = new Map(had);
    const add = (site: string, part: number) =>
      fractions.set(site, (fractions.get(site) ?? 0) + part);
    for (const [from, targets] of leaving(one)) {
      for (const [to, part] of targets) {
        const moved = (had.get(from) ?? 0) * part * done;
        if (moved === 0) continue;
        // A difference of sums may be a digit below nothing.
        fractions.set(from, Math.max(0, fractions.get(from)! - moved));
        add(to, moved);
      }
    }
    const isSame = [...fractions].every(([site, part]) => had.get(site) === part);
    return isSame ? now[i]! : { ...one, base: cut(now[i]!.base, fractions) };
  });
}
