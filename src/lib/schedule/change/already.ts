import type { UserPlan } from "../../plan/users/types.js";
import type { Entry } from "../../policy/document.js";
import { type PlanContext, assemble } from "./assemble.js";
import { type Intent, nameOf } from "./intent.js";
import { entriesOnly, planned } from "./policy-part.js";
import { oneAtATime, sameFilter } from "./rules/one-at-a-time.js";
import type { Situation } from "./situation.js";
import { leavingFrom } from "./stages.js";

/**
 * Entries in force that do to the same users of a site what is wanted: the same mask twice is one mask. None where a person wants a
 * new one in their place.
 */
export function alreadyInForce(intent: Intent, situation: Situation): Entry[] {
  const { mode, sites, filter, overrides } = intent;
  const { policy, now } = situation;
  if (overrides.includes(oneAtATime.id)) return [];
  return policy.entries.filter(
    (entry) =>
      sites.includes(entry.site) &&
      entry.mode === mode &&
      sameFilter(entry, filter) &&
      now < entry.expires &&
      !(intent.empties && leavingFrom([entry], situation).length > 0),
  );
}

/** The policy as it is, for access agents that have missed it. */
export function planOfRepeat(
  intent: Intent,
  entries: readonly Entry[],
  situation: Situation,
  context: PlanContext,
): UserPlan {
  const { sites, reason, actor } = intent;
  const part = entriesOnly(entries.map(planned));
  return assemble(
    [
      {
        kind: "mask",
        title: "Access agents that have missed it get the policy",
        waves: [[{ kind: "policy", before: part, after: part }]],
        how: "nothing: the policy stays as it is",
        seconds: 1,
      },
    ],
    situation,
    situation.policy,
    context,
    {
      change: { what: nameOf(intent), sites, reason, actor, overridden: [] },
      moves: [],
      receivers: [],
      pace: { perSecond: null, seconds: 0, boundSeconds: 0 },
    },
  );
}
