import { EXIT, OpsError } from "../../errors.js";
import type { UserPlan } from "../../plan/users/types.js";
import { assign } from "../assign/assign.js";
import type { PlanContext } from "./assemble.js";
import type { Intent } from "./intent.js";
import { planOfProposal } from "./plan.js";
import { problemNow } from "./problem.js";
import { proposalOf } from "./proposal.js";
import { type Objection, SAFETY_RULES, objectionsTo } from "./rules/registry.js";
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
  // Another port of the site is as good as the site.
  const leaving = port === null ? intent.sites.map((site) => ({ site, carrier, province })) : [];
  const problem = problemNow(topology, demand, situation, leaving, costs);
  const proposal = proposalOf(intent, situation, problem, await assign(problem), idOf);
  const objections = objectionsTo(proposal);
  const standing = objections.filter(({ overridden }) => !overridden);
  if (standing.length > 0) throw unsafe(standing);
  return planOfProposal(proposal, objections, context);
}

function assertRules(overrides: readonly string[]): void {
  const known = SAFETY_RULES.map(({ id }) => id);
  const stranger = overrides.find((rule) => !known.includes(rule));
  if (stranger === undefined) return;
  throw new OpsError("unknown-rule", EXIT.usage, `there is no safety rule ${stranger}`, {
    hint: `known are ${known.join(", ")}`,
  });
}

function unsafe(standing: readonly Objection[]): OpsError {
  const list = standing.map(({ rule, message }) => `\n  ${rule}: ${message}`).join("");
  const rules = [...new Set(standing.map(({ rule }) => rule))];
  return new OpsError("unsafe", EXIT.refused, `Refused, nothing was changed:${list}`, {
    hint: `if it must be: ${rules.map((rule) => `--override ${rule}`).join(" ")} (the reason is recorded)`,
    details: standing,
  });
}
