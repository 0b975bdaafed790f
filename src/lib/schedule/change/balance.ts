import type { PolicyPart, UserPlan } from "../../plan/users/types.js";
import type { Assignment } from "../assign/assign.js";
import { cut } from "../../policy/cut.js";
import { classKey } from "../../policy/check.js";
import type { Entry, PolicyClass, PolicySite } from "../../policy/document.js";
import type { Problem } from "../types.js";
import { type PlanContext, assemble } from "./assemble.js";
import { changePolicy, planned } from "./policy-part.js";
import type { Situation } from "./situation.js";

/** What a person wants: users where they are best, by quality and under capacity. */
export interface Balance {
  readonly reason: string;
  readonly actor: string;
  /** Where clients connect to each site. */
  readonly sites: Readonly<Record<string, PolicySite>>;
}

/**
 * The fractions of each class become those of an assignment of the whole demand, and what moves is the least that it takes. Users who
 * are connected stay where they are until they next log in. Null where nothing would change.
 */
export function planOfBalance(
  { reason, actor, sites }: Balance,
  situation: Situation,
  { classes: users }: Problem,
  { shares }: Assignment,
  context: PlanContext,
): UserPlan | null {
  const { policy } = situation;
  const classes = users.flatMap((one, i): PolicyClass[] => {
    const { carrier, province } = one;
    const known = policy.classes.find(
      (other) => other.carrier === carrier && other.province === province,
    );
    const placed = shares[i]!.reduce((sum, share) => sum + share.users, 0);
    if (placed === 0) return known === undefined ? [] : [known];
    const fractions = new Map(shares[i]!.map((share) => [share.site, share.users / placed]));
    return [{ carrier, province, base: cut(known?.base ?? [], fractions) }];
  });
  const entries = entriesFor(policy.entries, sites, classes);
  const changedEntries = policy.entries.filter((entry) => !entries.includes(entry));
  const before: PolicyPart = {
    entries: changedEntries.map(planned),
    classes: policy.classes,
    sites: situation.offered,
  };
  const after: PolicyPart = {
    entries: entries.filter((entry) => !policy.entries.includes(entry)).map(planned),
    classes,
    sites,
  };
  const changed = changePolicy(policy, before, after, 0n);
  const plan = assemble(
    [
      {
        kind: "balance",
        title: "Logins are spread by the new fractions",
        waves: [[{ kind: "policy", before, after }]],
        how: "publish the fractions as they were",
        seconds: 1,
      },
    ],
    situation,
    changed,
    context,
    {
      change: { what: "balance", sites: Object.keys(sites), reason, actor, overridden: [] },
      moves: [],
      receivers: [],
      pace: { perSecond: 0, seconds: 0, boundSeconds: 0 },
    },
  );
  return plan.fingerprint.before === plan.fingerprint.after ? null : plan;
}

/** Without those of sites that are gone, and without ways to such sites or of such classes: whoever had one goes to what is left. */
export function entriesFor(
  entries: readonly Entry[],
  sites: Balance["sites"],
  classes: readonly PolicyClass[],
): Entry[] {
  const keys = new Set(classes.map(classKey));
  return entries
    .filter(({ site }) => Object.hasOwn(sites, site))
    .map((entry) => {
      const redirects = entry.redirects.filter(
        (one) =>
          keys.has(classKey(one)) && one.map.every(({ value }) => Object.hasOwn(sites, value)),
      );
      return redirects.length === entry.redirects.length ? entry : { ...entry, redirects };
    });
}
