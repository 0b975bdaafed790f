import type { UserPlan } from "../../plan/users/types.js";
import { assign } from "../assign/assign.js";
import type { PlanContext } from "./assemble.js";
import type { Intent } from "./intent.js";
import { planOfProposal, secondsOfProposal } from "./plan.js";
import { problemNow } from "./problem.js";
import { hasOtherPort, proposalOf } from "./proposal.js";
import { assertRules, assertSafe } from "./rules/refusal.js";
import { objectionsTo } from "./rules/registry.js";
import type { Service } from "./service.js";
import type { Situation } from "./situation.js";

/**
 * The plan by which users are kept away from sites, in a situation. `idOf` names the entry of a site.
 * @throws OpsError (exit 3) `unsafe` with what each safety rule that is not overridden has to say; (exit 64) `unknown-rule`
 */
export async function planKeepAway(
  { topology, demand, costs }: Service,
  situation: Situation,
  intent: Intent,
  idOf: (site: string) => string,
  context: PlanContext,
): Promise<UserPlan> {
  assertRules(intent.overrides);
  const { carrier, province, port } = intent.filter;
  const leaving = intent.sites
    .filter((site) => port === null || !hasOtherPort(situation.policy, site, port))
    .map((site) => ({ site, carrier, province }));
  const problem = problemNow(topology, demand, situation, leaving, costs);
  const proposal = proposalOf(intent, situation, problem, await assign(problem), idOf);
  const objections = objectionsTo({ ...proposal, seconds: secondsOfProposal(proposal, context) });
  assertSafe(objections);
  return planOfProposal(proposal, objections, context);
}
