import type { PolicyPart, UserPlan } from "../../plan/users/types.js";
import { type PlanContext, assemble } from "./assemble.js";
import { gatesUnder } from "./gates.js";
import { nameOf } from "./intent.js";
import { pacePlanned } from "./pace.js";
import { changePolicy, entriesOnly, planned, spentEntries } from "./policy-part.js";
import type { Proposal } from "./proposal.js";
import { sameFilter } from "./rules/one-at-a-time.js";
import type { Objection } from "./rules/registry.js";
import {
  disconnectWaves,
  emptySteps,
  leavingFrom,
  type Recalled,
  recallSteps,
  reloginWaves,
  watchStep,
} from "./stages.js";

/** The steps by which users are kept away from sites, each with its way back. `overridden`: what a person did not mind. */
export function planOfProposal(
  proposal: Proposal,
  overridden: readonly Objection[],
  context: PlanContext,
): UserPlan {
  const { intent, situation, entries, pace, receivers, moves } = proposal;
  const { mode, sites, reason, actor } = intent;
  const leaving = leavingFrom(entries, situation);
  const watch = watchStep(receivers, situation, gatesUnder(context.gates, overridden));
  const waves =
    mode === "mask"
      ? []
      : mode === "weak"
        ? reloginWaves(leaving, pace, watch)
        : disconnectWaves(leaving, pace, watch);
  const replaced = situation.policy.entries.filter((entry) =>
    entries.some((one) => one.site === entry.site && sameFilter(one, entry)),
  );
  const gone = new Set([...replaced, ...spentEntries(situation)]);
  const before: PolicyPart = entriesOnly([...gone].map(planned));
  const after: PolicyPart = entriesOnly(entries);
  const watched = waves.flat().filter(({ kind }) => kind === "receivers").length;
  return assemble(
    [
      {
        kind: "recall",
        title: "Only if the run is taken back: who was moved is told to come back",
        waves: waves.length === 0 ? [] : [recallSteps(recalled(proposal), receivers, situation)],
        how: "tell those who were moved to log in where they belong, at a pace",
        seconds: 0,
      },
      {
        kind: "mask",
        title: `No login is sent to ${sites.join(", ")} any more`,
        waves: [[{ kind: "policy", before, after }]],
        how: "publish the policy as it was",
        seconds: 1,
      },
      {
        kind: "move",
        title: mode === "strong" ? "Connections are closed" : "Users are told to log in elsewhere",
        waves,
        how: "nothing by itself: the recall comes last",
        seconds: pace.seconds + watched * context.gates.windowSeconds,
      },
      {
        kind: "empty",
        title: `Nobody is left at ${sites.join(", ")}`,
        waves: intent.empties ? [emptySteps(entries, situation, pace)] : [],
        how: "nothing by itself: the recall comes last",
        seconds: 1,
      },
    ],
    situation,
    changePolicy(situation.policy, before, after, 0n),
    context,
    {
      change: {
        what: nameOf(intent),
        sites,
        reason,
        actor,
        overridden: overridden.map(({ rule, message }) => ({ rule, message })),
      },
      moves,
      receivers,
      pace: pacePlanned(pace),
    },
  );
}

/** Those who come back are logins at the site that they left. */
function recalled({ entries, situation }: Proposal): Recalled[] {
  return entries.map((entry) => {
    const home = situation.gateways.filter(({ site }) => site === entry.site);
    return { ...entry, perSecond: home.reduce((sum, { logins }) => sum + logins.limit, 0) };
  });
}
