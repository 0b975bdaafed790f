import { UNLISTED } from "../../topology/types.js";
import type { Closure, Problem, UserClass } from "../types.js";

/** The sites, as indexes, at which users of a class may be. One that takes no logins keeps those that it has. */
export function reachOf({
  sites,
  closed,
}: Pick<Problem, "sites" | "closed">): (one: UserClass) => readonly number[] {
  const byProvince = closed.some(({ province }) => province !== null);
  const known = new Map<string, readonly number[]>();
  return (one) => {
    const key = `${one.carrier} ${byProvince ? one.province : ""} ${one.site ?? ""}`;
    const found = known.get(key) ?? compute(one);
    known.set(key, found);
    return found;
  };

  function compute({ carrier, province, site: home }: UserClass): number[] {
    const shut = new Set(closed.filter(applies).map(({ site }) => site));
    return sites.flatMap(({ id, carriers, loginsPerSecond }, i) => {
      const isReached = carrier === UNLISTED || carriers.includes(carrier);
      return isReached && !shut.has(id) && (loginsPerSecond > 0 || id === home) ? [i] : [];
    });

    function applies(one: Closure): boolean {
      return (
        (one.carrier === null || one.carrier === carrier) &&
        (one.province === null || one.province === province)
      );
    }
  }
}
