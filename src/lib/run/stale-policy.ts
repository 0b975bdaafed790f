import { EXIT, OpsError } from "../errors.js";
import type { UserPlan } from "../plan/users/types.js";
import { policyFingerprint } from "../schedule/change/assemble.js";
import { NO_POLICY } from "../schedule/change/policy-part.js";
import type { PolicyDocument } from "../policy/document.js";

/** Throws OpsError `stale-plan` (exit 4) when the policy says something else than when the plan was made. */
export function assertSamePolicy({ fingerprint }: UserPlan, policy: PolicyDocument | null): void {
  if (policyFingerprint(policy ?? NO_POLICY) === fingerprint.before) return;
  const found =
    policy === null
      ? "there is none now"
      : `version ${policy.version} has ${policy.entries.map(({ id }) => id).join(", ") || "no entries"}`;
  throw new OpsError(
    "stale-plan",
    EXIT.stale,
    `The plan was made for another policy than the present one (${found}); nothing was changed`,
    { hint: "ops run list shows what was done since; give the command again" },
  );
}
