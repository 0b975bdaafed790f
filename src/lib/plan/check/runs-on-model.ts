import { differences } from "../model/invariants.js";
import { runPlan } from "../model/run.js";
import { ModelBreach, modelOf } from "../model/state.js";
import type { Check } from "./finding.js";

/** Run on a model of the cluster, the plan breaks no invariant on the way and ends where it says. */
export const runsOnModel: Check = {
  rule: "runs-on-model",
  find(plan) {
    try {
      const { model } = runPlan(plan);
      return differences(model, modelOf(plan.keyspaces, "after")).map((message) => ({
        message: `the plan does not end as it says: ${message}`,
        step: null,
      }));
    } catch (error) {
      if (!(error instanceof ModelBreach)) throw error;
      return [{ message: error.message, step: null }];
    }
  },
};
