import { judge } from "../model/judge.js";
import type { Check } from "./finding.js";

/** Run on a model of the cluster, the plan breaks no invariant on the way and ends where it says. */
export const runsOnModel: Check = {
  rule: "runs-on-model",
  find: (plan) => judge(plan).map((message) => ({ message, step: null })),
};
