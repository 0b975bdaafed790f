import type { PlannedEntry, PolicyPart } from "../../plan/users/types.js";
import type { Entry, PolicyDocument } from "../../policy/document.js";
import type { Situation } from "./situation.js";

/** Of a control plane that has published none yet. */
export const NO_POLICY: PolicyDocument = { v: 1, version: 0, sites: {}, classes: [], entries: [] };

/**
 * The policy with `after` for `before`; new entries by the epoch of a run. Done twice it is the same. The version stays: whoever
 * publishes gives it the next one.
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

/** So long an entry that has ended is still told of, ms: a change of its site is not forgotten at once. */
const TOLD_FOR_MS = 5 * 60_000;

/**
 * Entries that whoever next keeps users away takes out of the policy: they have ended, and keep nobody away at any dispatcher. Where none
 * answers nobody can say so.
 */
export function spentEntries({
  policy,
  now,
  over,
  dispatchers,
}: Pick<Situation, "policy" | "now" | "over" | "dispatchers">): Entry[] {
  if (dispatchers.length === 0) return [];
  return policy.entries.filter(
    ({ id, expires }) => over.includes(id) && now - expires > TOLD_FOR_MS,
  );
}

export function entriesOnly(entries: readonly PlannedEntry[]): PolicyPart {
  return { entries, classes: null, sites: null };
}

export function planned(entry: Entry): PlannedEntry {
  const { epoch: _epoch, ...rest } = entry;
  return rest;
}
