import { fingerprintOf } from "../fingerprint.js";
import type { Check } from "./finding.js";

/** The fingerprints are those of the holdings: else a stale plan would be taken for a fresh one. */
export const fingerprints: Check = {
  rule: "fingerprints",
  find: (plan) =>
    (["before", "after"] as const)
      .filter((side) => {
        const holdings = plan.keyspaces.map((keyspace) => ({
          id: keyspace.id,
          holdings: keyspace[side],
        }));
        return plan.fingerprint[side] !== fingerprintOf(holdings);
      })
      .map((side) => ({
        message: `the fingerprint does not belong to the holdings ${side}`,
        step: null,
      })),
};
