import { type PolicyDocument, SCHEDULE } from "../policy/document.js";
import { decodePolicy, encodePolicy } from "../policy/wire.js";
import type { StateStore } from "../state/contract.js";
import type { Publication } from "./publish.js";

/** The policy for users: every access agent is to have it. */
export const POLICY: Publication<PolicyDocument> = {
  scope: SCHEDULE,
  what: "the policy",
  stored: readPolicy,
  keep: (store, version, text) => store.putPolicy({ version, text }),
  ask: async (agent) => {
    const { policy } = await agent.policy();
    return policy === null ? [] : [policy];
  },
  tell: (agent, policy, authority) => agent.putPolicy(policy, authority),
  text: (policy) => JSON.stringify(encodePolicy(policy)),
  meant: (status) => status?.policy ?? null,
  intent: (step, version, hash) => ({ type: "policy.intent", step, version, hash }),
  published: (version, missing) => ({
    record: { type: "policy.published", version, missing },
    event: { type: "policy", version, missing },
  }),
};

/** The policy that the store has; null when none was ever published. */
export async function readPolicy(store: StateStore): Promise<PolicyDocument | null> {
  const stored = await store.policy();
  return stored === null ? null : decodePolicy(JSON.parse(stored.text));
}
