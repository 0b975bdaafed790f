import { EXIT, OpsError } from "../../errors.js";
import type { PlannedEntry, UserMove } from "../../plan/users/types.js";
import type { Assignment } from "../assign/assign.js";
import { isFor } from "../../policy/filter.js";
import { OTHER, type PolicyDocument } from "../../policy/document.js";
import type { Problem } from "../types.js";
import type { Intent, Pace } from "./intent.js";
import { redirectsFrom } from "./redirects.js";
import { type Situation, usersOnline } from "./situation.js";
import { type View, viewOf } from "./view.js";

/** What a change would do, before anybody agreed to it. */
export interface Proposal extends View {
  readonly intent: Intent;
  readonly situation: Situation;
  readonly assignment: Assignment;
  readonly entries: readonly PlannedEntry[];
}

/**
 * Puts together what an assignment without the sites means. `idOf` names the entry of a site.
 * @throws OpsError (exit 64) `no-such-users` for a filter that nobody matches
 */
export function proposalOf(
  intent: Intent,
  situation: Situation,
  problem: Problem,
  assignment: Assignment,
  idOf: (site: string) => string,
): Proposal {
  const { mode, sites, filter, reason, actor, ttlMs, ramp, pace } = intent;
  const { now, policy } = situation;
  assertSomebody(filter, sites, policy);
  const entries = sites.map((site): PlannedEntry => ({
    id: idOf(site),
    site,
    ...filter,
    mode,
    reason,
    actor,
    since: now,
    expires: now + ttlMs,
    ramp,
    redirects: redirectsFrom(site, policy.classes, problem.classes, assignment.shares),
  }));
  const again = sites.flatMap((site) => loggingInAgain(site, filter, situation));
  const view = viewOf(problem, situation, assignment, askedOf(pace), again);
  return { intent, situation, assignment, entries, ...view };
}

/** Whether clients connect to the site on another port too: that is as good as the site. */
export function hasOtherPort({ sites }: PolicyDocument, site: string, port: number): boolean {
  return sites[site]?.addresses.some((one) => one.port !== port) ?? false;
}

/** Users of a port who are to use another one of their site: they do not leave it, but they log in there. */
function loggingInAgain(
  site: string,
  filter: Intent["filter"],
  { policy, gateways }: Situation,
): UserMove[] {
  if (filter.port === null || !hasOtherPort(policy, site, filter.port)) return [];
  const own = usersOnline({
    gateways: gateways
      .filter((one) => one.site === site)
      .map((one) => ({ ...one, groups: one.groups.filter((group) => isFor(filter, group)) })),
  });
  return own.map(({ carrier, province, users }) => ({
    from: site,
    to: site,
    carrier,
    province,
    users,
  }));
}

/** Agents would take it, keep nobody away, and say nothing. */
function assertSomebody(
  { carrier, province, port }: Intent["filter"],
  sites: readonly string[],
  { classes, sites: known }: PolicyDocument,
): void {
  const ports = sites.flatMap(
    (site) => known[site]?.addresses.map((one) => String(one.port)) ?? [],
  );
  for (const [what, name, names] of [
    ["carrier", carrier, [...classes.map((one) => one.carrier), OTHER]],
    ["province", province, [...classes.map((one) => one.province), OTHER]],
    ["port", port === null ? null : String(port), ports],
  ] as const) {
    if (name === null || names.includes(name)) continue;
    const all = [...new Set(names)].join(", ");
    throw new OpsError(
      "no-such-users",
      EXIT.usage,
      `The policy knows no users of the ${what} ${name}`,
      {
        hint: `there are: ${all}`,
      },
    );
  }
}

export function askedOf(pace: Pace): number | null {
  if (pace.kind === "auto") return null;
  return pace.kind === "rate" ? pace.perSecond : Infinity;
}
