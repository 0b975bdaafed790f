import type { PlannedEntry } from "../../plan/users/types.js";
import type { Assignment } from "../assign/assign.js";
import type { Problem } from "../types.js";
import type { Intent, Pace } from "./intent.js";
import { redirectsFrom } from "./redirects.js";
import type { Situation } from "./situation.js";
import { type View, viewOf } from "./view.js";

/** What a change would do, before anybody agreed to it. */
export interface Proposal extends View {
  readonly intent: Intent;
  readonly situation: Situation;
  readonly assignment: Assignment;
  readonly entries: readonly PlannedEntry[];
}

/** Puts together what an assignment without the sites means. `idOf` names the entry of a site. */
export function proposalOf(
  intent: Intent,
  situation: Situation,
  problem: Problem,
  assignment: Assignment,
  idOf: (site: string) => string,
): Proposal {
  const { mode, sites, filter, reason, actor, ttlMs, ramp, pace } = intent;
  const { now, policy } = situation;
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
  const view = viewOf(problem, situation, assignment, askedOf(pace));
  return { intent, situation, assignment, entries, ...view };
}

export function askedOf(pace: Pace): number | null {
  if (pace.kind === "auto") return null;
  return pace.kind === "rate" ? pace.perSecond : Infinity;
}
