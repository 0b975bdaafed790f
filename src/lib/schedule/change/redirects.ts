import type { Share } from "../assign/placement.js";
import { cut } from "../../policy/cut.js";
import type { PolicyClass, PolicyRedirect } from "../../policy/document.js";
import type { UserClass } from "../types.js";

/**
 * Where an entry of `site` sends the users of each class of the policy: in the proportions in which an assignment places those who
 * are there now. A class of which nobody is there goes as the others of its carrier do; where none of those is there either it has no
 * redirect, and the router spreads it over what it reaches.
 */
export function redirectsFrom(
  site: string,
  classes: readonly PolicyClass[],
  users: readonly UserClass[],
  shares: readonly (readonly Share[])[],
): PolicyRedirect[] {
  const leaving = users.flatMap((one, i) =>
    one.site === site ? [{ ...one, shares: shares[i]! }] : [],
  );
  const sum = (isMeant: (one: UserClass) => boolean): Map<string, number> => {
    const to = new Map<string, number>();
    for (const one of leaving) {
      if (!isMeant(one)) continue;
      for (const share of one.shares)
        if (share.site !== site) to.set(share.site, (to.get(share.site) ?? 0) + share.users);
    }
    return to;
  };
  return classes.flatMap(({ carrier, province }) => {
    const own = sum((one) => one.carrier === carrier && one.province === province);
    const to = own.size > 0 ? own : sum((one) => one.carrier === carrier);
    const all = [...to.values()].reduce((a, b) => a + b, 0);
    if (all === 0) return [];
    const fractions = new Map([...to].map(([id, count]) => [id, count / all]));
    return [{ carrier, province, map: cut([], fractions) }];
  });
}
