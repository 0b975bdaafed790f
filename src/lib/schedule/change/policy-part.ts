import type { PolicyPart } from "../../plan/users.js";
import type { PolicyDocument } from "../policy/document.js";

/**
 * The policy with `after` for `before`, the entries in force from now on by the epoch of a run. Done twice it is the same. The version
 * stays: whoever publishes gives it the next one.
 */
export function changePolicy(
  policy: PolicyDocument,
  before: PolicyPart,
  after: PolicyPart,
  epoch: bigint,
): PolicyDocument {
  const gone = new Set([...before.entries, ...after.entries].map(({ id }) => id));
  const known = new Map(policy.entries.map((entry) => [entry.id, entry]));
  return {
    ...policy,
    sites: after.sites ?? policy.sites,
    classes: after.classes ?? policy.classes,
    entries: [
      ...policy.entries.filter(({ id }) => !gone.has(id)),
      ...after.entries.map((entry) => ({ ...entry, epoch: known.get(entry.id)?.epoch ?? epoch })),
    ],
  };
}
