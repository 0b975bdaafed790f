import type { UserPlan } from "../plan/users/types.js";
import { planOfBalance } from "../schedule/change/balance.js";
import { planOfRound } from "../schedule/change/round/plan.js";
import { type RoundFigures, proposeRound } from "../schedule/change/round/propose.js";
import { assertRules, assertSafe } from "../schedule/change/rules/refusal.js";
import { demandOf } from "../schedule/change/service.js";
import type { SilentAgent, Situation } from "../schedule/change/situation.js";
import { withUnlisted } from "../schedule/change/left-out.js";
import { spread } from "../schedule/change/spread.js";
import { usersOnline } from "../schedule/change/situation.js";
import type { Qualities } from "../schedule/quality/entries.js";
import { measured } from "../schedule/quality/measured.js";
import { type Known, live, stated } from "../schedule/quality/tolls.js";
import type { Topology } from "../topology/types.js";
import { type Reading, assertDispatcher, contextOf, suffixOf } from "./change-users.js";
import { type AccessSurvey, surveyAccess } from "./observe-access.js";

/** `live`: what the access agents have measured. */
export type QualitySource =
  | { readonly kind: "live" }
  | { readonly kind: "stated"; readonly qualities: Qualities };

export interface BalanceRequest {
  readonly topology: Topology;
  readonly topologyHash: string;
  readonly quality: QualitySource;
  readonly reason: string;
  /** Of the users online, at most so many move, 0..1. */
  readonly most: number;
  readonly overrides: readonly string[];
}

export interface PlannedBalance {
  /** Null where users are spread so already, or nearly so. */
  readonly plan: UserPlan | null;
  /** Null while nobody is online whom it could be about. */
  readonly figures: RoundFigures | null;
  readonly silent: readonly SilentAgent[];
}

/**
 * Plans a round of balance: those who are online go to where they are better off, a few of them. While nobody is online the whole
 * demand is put where it is best: so the first policy is made. `isOneOfMany`: it follows another round by itself.
 * @throws OpsError (exit 3) `unsafe`, `no-demand`, `no-room`; (exit 9) `unreachable` when no dispatcher answers
 */
export async function planBalance(
  env: Reading & { readonly actor: string },
  request: BalanceRequest,
  isOneOfMany = false,
): Promise<PlannedBalance> {
  const { topology, reason, most, overrides } = request;
  assertRules(overrides);
  const demand = demandOf(topology);
  const survey = await surveyAccess(env, topology);
  const { situation } = survey;
  const { silent } = situation;
  assertDispatcher(situation);
  const sites = sitesFor(topology, survey);
  const known = knownOf(request, survey);
  const context = contextOf(request, survey);
  const by = { reason, actor: env.actor, sites };
  if (isUnused(situation)) {
    const service = { topology, demand, costs: known.costs };
    const { problem, assignment } = await spread(service, Object.keys(sites));
    const plan = planOfBalance(by, situation, problem, assignment, context);
    return { plan, figures: null, silent };
  }
  const round = { ...by, id: `balance-${suffixOf(env)}`, most, overrides, isOneOfMany };
  const proposal = await proposeRound({ topology, demand }, situation, round, known);
  assertSafe(proposal.objections);
  return { plan: planOfRound(proposal, context), figures: proposal.figures, silent };
}

/** Nobody is online, and no gateway is silent that might have somebody. */
function isUnused(situation: Situation): boolean {
  if (situation.policy.version === 0) return true;
  const isCounted = situation.silent.every(({ role }) => role !== "gateway");
  return isCounted && usersOnline(situation).every(({ users }) => users === 0);
}

/** Sites of the topology that have ever had an address, with the present one. */
function sitesFor({ sets }: Topology, { situation, sites }: AccessSurvey): AccessSurvey["sites"] {
  const known = new Set(sets.map(({ id }) => id));
  const kept = Object.entries(situation.offered).filter(([id]) => known.has(id));
  return withUnlisted({ ...Object.fromEntries(kept), ...sites }, situation);
}

function knownOf({ topology, quality }: BalanceRequest, { agents }: AccessSurvey): Known {
  if (quality.kind === "stated") return stated(quality.qualities);
  const figures = agents.flatMap((agent) => agent.quality);
  return live(measured(topology, demandOf(topology), figures));
}
