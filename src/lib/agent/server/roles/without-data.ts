import type { Engine } from "../../../engines/contract.js";
import type { Policy } from "../policy.js";
import type { RoleStatus } from "./role.js";

/** What an agent tells of itself that has the policy of the control plane, and no data. */
export function statusWithoutData(
  engine: Engine,
  policy: Policy,
  access: RoleStatus["access"],
): RoleStatus {
  return {
    log: { ...engine.log(), maxBytes: 0 },
    entries: [],
    dropping: [],
    followers: [],
    sync: [],
    routes: {},
    policy: policy.document?.version ?? null,
    access,
  };
}
