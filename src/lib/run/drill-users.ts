import type { UserPlan } from "../plan/users/types.js";
import type { Drill } from "../schedule/change/drill/drill.js";
import { planDrillIn } from "../schedule/change/drill/plan.js";
import { assertRules } from "../schedule/change/rules/refusal.js";
import { demandOf } from "../schedule/change/service.js";
import {
  type ChangeRequest,
  type Reading,
  assertPolicy,
  assertWell,
  contextOf,
  suffixOf,
} from "./change-users.js";
import { surveyAccess } from "./observe-access.js";

/**
 * Plans to fill sites with users of the others for a while. Null where they are that full already.
 * @throws OpsError (exit 3) `sick-site` where not every gateway of the service answers; others as `planShift`
 */
export async function planDrill(
  env: Reading,
  request: ChangeRequest,
  asked: Omit<Drill, "id">,
): Promise<UserPlan | null> {
  const { topology, costs } = request;
  const service = { topology, demand: demandOf(topology), costs };
  assertRules(asked.overrides);
  const survey = await surveyAccess(env, topology);
  const { situation } = survey;
  assertPolicy(situation);
  const sites = topology.sets.map(({ id }) => id);
  assertWell(situation, sites, "a drill is for a service that is well");
  const id = `drill-${suffixOf(env)}`;
  return planDrillIn(service, situation, { ...asked, id }, contextOf(request, survey));
}
