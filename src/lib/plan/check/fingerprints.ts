import { fingerprintOf } from "../fingerprint.js";
import type { Check } from "./finding.js";

/** The fingerprints are those of the holdings and the settings: else a stale plan would be taken for a fresh one. */
export const fingerprints: Check = {
  rule: "fingerprints",
  find: (plan) =>
    (["before", "after"] as const)
      .filter((side) => plan.fingerprint[side] !== fingerprintOf(plan.keyspaces, side))
      .map((side) => ({
        message: `the fingerprint does not belong to the holdings ${side}`,
        step: null,
      })),
};
