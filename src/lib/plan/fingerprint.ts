import { hashOf } from "./hash.js";
import { asHoldings, currentOwners, observedKeyspace } from "./holdings.js";
import type { Observed } from "./observed.js";
import { compareText } from "./order.js";
import type { Holding, Plan } from "./types.js";

/**
 * SHA-256 of who holds what: shard, primary and replicas of every segment of these keyspaces, whatever their order. Covers no
 * versions and no generations, so a plan that was rolled back has the fingerprint it started from.
 */
export function fingerprintOf(
  keyspaces: readonly { readonly id: string; readonly holdings: readonly Holding[] }[],
): string {
  const sorted = keyspaces.toSorted((a, b) => compareText(a.id, b.id));
  return hashOf(sorted.map(({ id, holdings }) => ({ id, holdings: holdings.map(sortReplicas) })));
}

function sortReplicas(holding: Holding): Holding {
  const { replicas } = holding;
  const isSorted = replicas.every((node, i) => i === 0 || replicas[i - 1]! <= node);
  return isSorted ? holding : { ...holding, replicas: replicas.toSorted() };
}

/**
 * The fingerprint of live state, over the keyspaces of a plan: equal to `plan.fingerprint.before` when the plan may begin and to
 * `.after` when it has been finalized. Throws OpsError as `currentOwners` does.
 */
export function observedFingerprint(plan: Plan, observed: Observed): string {
  return fingerprintOf(
    plan.keyspaces.map(({ id, before, after }) => {
      const shape = { id, domain: null, likely: before.length > 0 ? before : after };
      return {
        id,
        holdings: asHoldings(
          currentOwners(observedKeyspace(observed, id), shape, observed.unreachable),
        ),
      };
    }),
  );
}
