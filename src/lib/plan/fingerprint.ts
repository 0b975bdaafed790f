import { hashOf } from "./hash.js";
import { asHoldings, currentOwners, observedKeyspace } from "./holdings.js";
import type { Observed } from "./observed.js";
import { compareText } from "./order.js";
import { DEFAULT_SETTINGS, sameSettings, type KeyspaceSettings } from "../routing/settings.js";
import type { Holding, Plan, PlanKeyspace } from "./types.js";

interface Held {
  readonly id: string;
  readonly holdings: readonly Holding[];
  /** Null where clients are sent nowhere: nobody goes by any. */
  readonly settings: KeyspaceSettings | null;
}

/** The fingerprint of one side of a plan's keyspaces. */
export function fingerprintOf(
  keyspaces: readonly PlanKeyspace[],
  side: "before" | "after",
): string {
  return fingerprint(
    keyspaces.map(({ id, domain, settings, ...holdings }) => ({
      id,
      holdings: holdings[side],
      settings: domain[side] === null ? null : settings[side],
    })),
  );
}

/**
 * SHA-256 of who holds what: shard, primary and replicas of every segment of these keyspaces, whatever their order, and their
 * settings where they are not the defaults. Covers no versions and no generations, so a plan that was rolled back has the
 * fingerprint it started from.
 */
function fingerprint(keyspaces: readonly Held[]): string {
  const sorted = keyspaces.toSorted((a, b) => compareText(a.id, b.id));
  return hashOf(
    sorted.map(({ id, holdings, settings }) => ({
      id,
      ...(settings === null || sameSettings(settings, DEFAULT_SETTINGS) ? {} : { settings }),
      holdings: holdings.map(sortReplicas),
    })),
  );
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
  return fingerprint(
    plan.keyspaces.map(({ id, before, after }) => {
      const live = observedKeyspace(observed, id);
      const { routes } = live;
      const shape = { id, domain: null, likely: before.length > 0 ? before : after };
      return {
        id,
        holdings: asHoldings(currentOwners(live, shape, observed.unreachable)),
        settings: routes === null || routes.withdrawn ? null : routes.settings,
      };
    }),
  );
}
