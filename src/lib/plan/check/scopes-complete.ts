import type { Check } from "./finding.js";
import { compareText } from "../order.js";

/** The run locks exactly the keyspaces that it changes. */
export const scopesComplete: Check = {
  rule: "scopes-complete",
  find(plan) {
    const wanted = plan.keyspaces.map(({ id }) => `keyspace/${id}`).toSorted(compareText);
    const same =
      wanted.length === plan.scopes.length && wanted.every((scope, i) => scope === plan.scopes[i]);
    if (same) return [];
    const message = `the scopes are ${plan.scopes.join(", ") || "none"}, they should be ${wanted.join(", ") || "none"}`;
    return [{ message, step: null }];
  },
};
