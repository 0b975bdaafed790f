import type { PolicyPart, UserPlan } from "../../plan/users/types.js";
import type { PolicyDocument } from "../../policy/document.js";
import { level } from "../../policy/level.js";
import { policyFingerprint } from "./assemble.js";

/** Publishing a part of a policy for another: by which plan, and whether that is taken back by it. */
export interface Published {
  readonly plan: Pick<UserPlan, "change" | "moves">;
  readonly before: PolicyPart;
  readonly after: PolicyPart;
  readonly isUndo: boolean;
}

/**
 * The policy with its last change of each site. What says the same as the one before is no change, so a run that is taken up again
 * publishes what it had published. `at`: ms since 1970.
 */
export function withLastChanges(
  before: PolicyDocument,
  made: PolicyDocument,
  published: Published,
  at: number,
): PolicyDocument {
  if (saysAt(before, at) === saysAt(made, at)) return made;
  const { change } = published.plan;
  const last = new Map(
    (made.changes ?? [])
      .filter(({ site }) => Object.hasOwn(made.sites, site))
      .map((one) => [one.site, one] as const),
  );
  for (const [site, isReceiver] of sitesChanged(published)) {
    const { what, actor } = change;
    last.set(site, { site, at, what, isUndo: published.isUndo, actor, isReceiver });
  }
  if (last.size === 0) return made;
  return { ...made, changes: [...last.values()].toSorted((a, b) => (a.site < b.site ? -1 : 1)) };
}

/** What a policy says of users: entries that are over keep nobody away, and other addresses of a site move nobody. */
function saysAt(policy: PolicyDocument, at: number): string {
  const entries = policy.entries.filter((entry) => level(entry, at) > 0);
  return policyFingerprint({ ...policy, sites: {}, entries });
}

/** Whether each only gets users of others. A first policy moves nobody, and changes no site. */
function sitesChanged({ plan, before, after, isUndo }: Published): Map<string, boolean> {
  const sites = new Map<string, boolean>();
  const isOfEntries = before.entries.length + after.entries.length > 0;
  if (before.classes !== null || after.classes !== null) {
    const [left, entered] = isUndo ? (["to", "from"] as const) : (["from", "to"] as const);
    for (const move of plan.moves) sites.set(move[entered], true);
    for (const move of plan.moves) sites.set(move[left], false);
  } else if (isOfEntries) for (const site of plan.change.sites) sites.set(site, false);
  return sites;
}
