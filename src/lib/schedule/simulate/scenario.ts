import type { UserPlan } from "../../plan/users/types.js";
import type { Drill } from "../change/drill/drill.js";
import { planDrillIn } from "../change/drill/plan.js";
import type { Elsewhere } from "../change/elsewhere.js";
import type { Intent } from "../change/intent.js";
import { planKeepAway } from "../change/keep-away.js";
import { changePolicy } from "../change/policy-part.js";
import { problemNow } from "../change/problem.js";
import { planOfRestore } from "../change/restore.js";
import { SAFETY_RULES } from "../change/rules/registry.js";
import { type Shift, planShiftIn } from "../change/shift.js";
import type { Situation } from "../change/situation.js";
import { LONGEST_MS, type Ramp } from "../../policy/document.js";
import { classesOf } from "../problem.js";
import { kindsOf } from "./kinds.js";
import { planOfRound } from "../change/round/plan.js";
import { type Round, proposeRound } from "../change/round/propose.js";
import { assertSafe } from "../change/rules/refusal.js";
import type { Known } from "../quality/tolls.js";
import type { Leg, Scenario } from "./simulate.js";
import { type VirtualService, underPolicy } from "./virtual.js";

/** As the commands give it. */
const RAMP: Ramp = { step: 0.1, everyMs: 30_000 };

/** More are not looked at. */
const MOST_ROUNDS = 200;

const idOf = (site: string) => `${site}-simulated`;

/** Users are kept away from sites of a service that is as it should be. Throws as `planKeepAway`. */
export async function keepAwayScenario(service: VirtualService, intent: Intent): Promise<Scenario> {
  const { situation, context } = service;
  const plan = await planKeepAway(service, situation, intent, idOf, context);
  return { service, legs: [{ policy: situation.policy, plan }], everySeconds: 0 };
}

/** Users come back to sites from which everyone was moved away. */
export async function restoreScenario(
  service: VirtualService,
  asked: Pick<Intent, "sites" | "filter" | "reason" | "pace">,
): Promise<Scenario> {
  const { topology, demand, costs, context } = service;
  const away: Intent = {
    ...asked,
    mode: "weak",
    empties: false,
    actor: "simulation",
    ttlMs: LONGEST_MS,
    ramp: RAMP,
    pace: { kind: "auto" },
    overrides: SAFETY_RULES.map(({ id }) => id),
  };
  const plan = await planKeepAway(service, service.situation, away, idOf, context);
  const { situation, elsewhere } = moved(service, plan);
  const { entries } = situation.policy;
  const problem = problemNow(topology, demand, situation, [], costs);
  const by = { actor: "simulation", id: "home-simulated" };
  const restore = { ...asked, ...by, entries, strayed: [], elsewhere };
  const back = planOfRestore(restore, situation, problem, context);
  return { service, legs: [{ policy: situation.policy, plan: back }], everySeconds: 0 };
}

/**
 * Rounds until nobody moves any more, from a service that is not as it should be; null where that is so at once.
 * @throws OpsError (exit 3) `unsafe`
 */
export async function balanceScenario(
  service: VirtualService,
  asked: Pick<Round, "reason" | "most" | "overrides">,
  known: Known,
  everySeconds: number,
): Promise<Scenario | null> {
  const { sites } = service.situation.policy;
  const legs: Leg[] = [];
  for (let now = service; legs.length < MOST_ROUNDS;) {
    const by = { id: `balance-${legs.length + 1}`, actor: "simulation" };
    const round = { ...asked, ...by, sites, isOneOfMany: true };
    const proposal = await proposeRound(now, now.situation, round, known);
    assertSafe(proposal.objections);
    const plan = planOfRound(proposal, service.context);
    if (plan === null) break;
    const { policy } = now.situation;
    legs.push({ policy, plan });
    const { classes } = proposal;
    now = underPolicy(now, { ...policy, version: policy.version + 1, classes });
  }
  return legs.length === 0 ? null : { service, legs, everySeconds };
}

/** A part of a site's users belongs elsewhere from then on; null where nobody can be moved. Throws as `planShiftIn`. */
export async function shiftScenario(
  service: VirtualService,
  asked: Omit<Shift, "id" | "actor">,
): Promise<Scenario | null> {
  const { situation, context } = service;
  const shift = { ...asked, id: "shift-simulated", actor: "simulation" };
  const plan = planShiftIn(service, situation, shift, context);
  return plan === null
    ? null
    : { service, legs: [{ policy: situation.policy, plan }], everySeconds: 0 };
}

/** Sites are filled for a while; null where they are that full already. Throws as `planDrillIn`. */
export async function drillScenario(
  service: VirtualService,
  asked: Omit<Drill, "id" | "actor">,
): Promise<Scenario | null> {
  const { situation, context } = service;
  const drill = { ...asked, id: "drill-simulated", actor: "simulation" };
  const plan = await planDrillIn(service, situation, drill, context);
  return plan === null
    ? null
    : { service, legs: [{ policy: situation.policy, plan }], everySeconds: 0 };
}

/** With the entries of the plan in force, and everyone where they lead. */
function moved(
  { situation, demand, churn }: VirtualService,
  plan: UserPlan,
): { readonly situation: Situation; readonly elsewhere: Elsewhere[] } {
  const steps = plan.stages.flatMap(({ waves }) => waves.flat());
  const policy = steps.reduce(
    (all, step) => (step.kind === "policy" ? changePolicy(all, step.before, step.after, 1n) : all),
    situation.policy,
  );
  const kinds = kindsOf(policy, [policy.classes], classesOf(demand), situation.now);
  const elsewhere: Elsewhere[] = [];
  const gateways = situation.gateways.map((gateway) => {
    const { node, site } = gateway;
    const many = situation.gateways.filter((one) => one.site === site).length;
    const sums = new Map<string, (typeof gateway.groups)[number]>();
    for (const { carrier, province, users, home, away } of kinds) {
      if ((away === null ? home : away.to) !== site) continue;
      if (home !== site)
        elsewhere.push({ node, site, home, carrier, province, sessions: users / many });
      const key = JSON.stringify([carrier, province]);
      const sessions = (sums.get(key)?.sessions ?? 0) + users / many;
      sums.set(key, { carrier, province, port: gateway.groups[0]?.port ?? 443, sessions });
    }
    const groups = [...sums.values()];
    const online = groups.reduce((sum, { sessions }) => sum + sessions, 0);
    const { limit } = gateway.logins;
    return { ...gateway, groups, logins: { limit, perSecond: online * churn } };
  });
  return { situation: { ...situation, policy, gateways }, elsewhere };
}
