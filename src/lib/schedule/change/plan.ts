import type { PolicyPart, ReceiverGates, UserPlan } from "../../plan/users/types.js";
import { type PlanContext, type StageDraft, assemble, secondsOf } from "./assemble.js";
import { gatesUnder } from "./gates.js";
import { nameOf } from "./intent.js";
import { pacePlanned } from "./pace.js";
import { changePolicy, entriesOnly, planned, spentEntries } from "./policy-part.js";
import type { Proposal } from "./proposal.js";
import { deadSites } from "./situation.js";
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
  const { intent, situation, pace, receivers, moves } = proposal;
  const { sites, reason, actor } = intent;
  const { before, after } = policyParts(proposal);
  return assemble(
    draftsOf(proposal, gatesUnder(context.gates, overridden)),
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
      uncounted: deadSites(situation).filter((site) => sites.includes(site)),
      receivers,
      pace: pacePlanned(pace),
    },
  );
}

/** Of its stages: what the person who has to agree is told, and what an entry has to outlast. */
export function secondsOfProposal(proposal: Proposal, context: PlanContext): number {
  return secondsOf(draftsOf(proposal, context.gates), context);
}

function draftsOf(proposal: Proposal, gates: ReceiverGates): StageDraft[] {
  const { intent, situation, entries, pace, receivers } = proposal;
  const { mode, sites } = intent;
  const leaving = leavingFrom(entries, situation);
  const watch = watchStep(receivers, situation, gates);
  const waves =
    mode === "mask"
      ? []
      : mode === "weak"
        ? reloginWaves(leaving, pace, watch)
        : disconnectWaves(leaving, pace, watch);
  const watched = waves.flat().filter(({ kind }) => kind === "receivers").length;
  return [
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
      waves: [[{ kind: "policy", ...policyParts(proposal) }]],
      how: "publish the policy as it was",
      seconds: 1,
    },
    {
      kind: "move",
      title: mode === "strong" ? "Connections are closed" : "Users are told to log in elsewhere",
      waves,
      how: "nothing by itself: the recall comes last",
      seconds: pace.seconds + watched * gates.windowSeconds,
    },
    {
      kind: "empty",
      title: `Nobody is left at ${sites.join(", ")}`,
      waves: intent.empties ? [emptySteps(entries, situation, pace)] : [],
      how: "nothing by itself: the recall comes last",
      seconds: 1,
    },
  ];
}

function policyParts({ situation, entries }: Proposal): { before: PolicyPart; after: PolicyPart } {
  const replaced = situation.policy.entries.filter((entry) =>
    entries.some((one) => one.site === entry.site && sameFilter(one, entry)),
  );
  const gone = new Set([...replaced, ...spentEntries(situation)]);
  return { before: entriesOnly([...gone].map(planned)), after: entriesOnly(entries) };
}

/** Those who come back are logins at the site that they left. */
function recalled({ entries, situation }: Proposal): Recalled[] {
  return entries.map((entry) => {
    const home = situation.gateways.filter(({ site }) => site === entry.site);
    return { ...entry, perSecond: home.reduce((sum, { logins }) => sum + logins.limit, 0) };
  });
}
