import { countText } from "../../../figures.js";
import type { PolicyPart, UserPlan } from "../../../plan/users/types.js";
import { Classes } from "../../../policy/classes.js";
import type { UserFilter } from "../../../policy/filter.js";
import { isSomeone } from "../../types.js";
import { type PlanContext, type StageDraft, assemble } from "../assemble.js";
import { entriesFor } from "../balance.js";
import { batchStage } from "../batches.js";
import { gatesUnder } from "../gates.js";
import { pacePlanned } from "../pace.js";
import { changePolicy, planned } from "../policy-part.js";
import {
  AS_MANY_AS_PLANNED,
  inProportion,
  recallSteps,
  reloginWaves,
  watchStep,
} from "../stages.js";
import type { Leaving } from "../stages.js";
import type { RoundProposal } from "./propose.js";

/** The steps of a round; null where it changes nothing. */
export function planOfRound(proposal: RoundProposal, context: PlanContext): UserPlan | null {
  const { round, situation, view, objections } = proposal;
  const stage = stageOf(proposal, context);
  const { before, after } = stage;
  const sites = [...new Set(view.moves.flatMap(({ from, to }) => [from, to]))].toSorted();
  const plan = assemble(
    [stage.draft],
    situation,
    changePolicy(situation.policy, before, after, 0n),
    context,
    {
      change: {
        what: "balance",
        sites: sites.length === 0 ? Object.keys(round.sites).toSorted() : sites,
        reason: round.reason,
        actor: round.actor,
        overridden: objections.map(({ rule, message }) => ({ rule, message })),
      },
      moves: view.moves,
      receivers: view.receivers,
      pace: pacePlanned(view.pace),
    },
  );
  return plan.fingerprint.before === plan.fingerprint.after ? null : plan;
}

function stageOf(
  proposal: RoundProposal,
  { gates }: PlanContext,
): { readonly draft: StageDraft; readonly before: PolicyPart; readonly after: PolicyPart } {
  const { round, situation, classes, view, objections } = proposal;
  const { policy } = situation;
  const entries = entriesFor(policy.entries, round.sites, classes);
  const before: PolicyPart = {
    entries: policy.entries.filter((entry) => !entries.includes(entry)).map(planned),
    classes: policy.classes,
    sites: situation.offered,
  };
  const after: PolicyPart = {
    entries: entries.filter((entry) => !policy.entries.includes(entry)).map(planned),
    classes,
    sites: round.sites,
  };
  const { moves, receivers, pace } = view;
  const leaving = leavingByCarrier(proposal);
  const told = reloginWaves(
    leaving,
    pace,
    watchStep(receivers, situation, gatesUnder(gates, objections)),
    AS_MANY_AS_PLANNED,
  );
  const watched = told.flat().filter(({ kind }) => kind === "receivers").length;
  const carriers = new Map(leaving.map(({ entry, filter }) => [entry, filter.carrier]));
  const users = moves.reduce((sum, one) => sum + one.users, 0);
  const left = new Set(leaving.map(({ gateway }) => gateway.site));
  // Those who come back are logins at the sites that were left.
  const limit = situation.gateways
    .filter(({ site }) => left.has(site))
    .reduce((sum, { logins }) => sum + logins.limit, 0);
  const sessionsOf = (of: readonly Leaving[]) =>
    of.reduce((sum, { sessions }) => sum + sessions, 0);
  const all = sessionsOf(leaving);
  const accounts = [...carriers].map(([id, carrier]) => {
    const part = sessionsOf(leaving.filter(({ entry }) => entry === id)) / all;
    return { id, carrier, province: null, perSecond: limit * part };
  });
  const draft = batchStage({
    kind: "balance",
    title:
      leaving.length === 0
        ? "Logins are spread by the new fractions"
        : `${countText(Math.round(users))} users belong where they are better off`,
    recall: told.length === 0 ? [] : recallSteps(accounts, receivers, situation),
    before,
    after,
    told,
    seconds: 1 + (leaving.length === 0 ? 0 : pace.seconds + watched * gates.windowSeconds),
  });
  return { draft, before, after };
}

/** The gateways of the sites that users leave, each with its part of those of a carrier, as they call it themselves. */
function leavingByCarrier({ round, situation, view, classes }: RoundProposal): Leaving[] {
  const named = new Classes(classes);
  const gone = new Map<string, { from: string; carrier: string; users: number }>();
  for (const { from, carrier, users } of view.moves) {
    const key = JSON.stringify([from, carrier]);
    gone.set(key, { from, carrier, users: (gone.get(key)?.users ?? 0) + users });
  }
  return [...gone.values()].flatMap(({ from, carrier, users }) => {
    const there = situation.gateways
      .filter(({ site }) => site === from)
      .flatMap((gateway) => {
        const own = gateway.groups.filter((group) => named.carrier(group.carrier) === carrier);
        return [...new Set(own.map((group) => group.carrier))].map((name): Leaving => {
          const filter: UserFilter = { carrier: name, province: null, port: null };
          const sessions = own
            .filter((group) => group.carrier === name)
            .reduce((sum, group) => sum + group.sessions, 0);
          return { gateway, entry: `${round.id}-${name}`, filter, home: null, sessions };
        });
      });
    return inProportion(users, there).filter(({ sessions }) => isSomeone(sessions));
  });
}
