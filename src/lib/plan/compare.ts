import { EXIT, OpsError } from "../errors.js";
import { sameSettings } from "../routing/settings.js";
import type { Piece } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { formatSegment } from "../keyspace/wire.js";
import type { Keyspace, Policy, Topology } from "../topology/types.js";
import { changesOf, isKept, type Change } from "./changes.js";
import {
  asHoldings,
  currentOwners,
  desiredOwners,
  noPrimary,
  observedKeyspace,
  type KeyspaceShape,
  type Owner,
} from "./holdings.js";
import type { Observed, ObservedKeyspace } from "./observed.js";
import type { PlanKeyspace } from "./types.js";
import { settingsOf } from "./settings.js";
import { domainApart, otherSharding, unsupported } from "./unsupported.js";

export interface Comparison {
  readonly keyspaces: readonly PlanKeyspace[];
  readonly changes: readonly Change[];
}

/**
 * The keyspaces in which something changes, and what: the rest neither is locked nor makes the plan stale. Throws OpsError
 * `plan/unsupported` (exit 3), `plan/unseen` (exit 9), and as `currentOwners` does.
 */
export function compareKeyspaces(topology: Topology, observed: Observed): Comparison {
  const named = new Set(topology.keyspaces.map(({ id }) => id));
  const removed = observed.keyspaces.filter(
    ({ id, entries }) => !named.has(id) && entries.length > 0,
  );
  const problems = [
    ...topology.keyspaces.flatMap((keyspace) =>
      obstacles(keyspace, observedKeyspace(observed, keyspace.id)),
    ),
    ...removed.flatMap(removalObstacles),
  ];
  if (problems.length > 0) throw unsupported(problems);
  const compared = [
    ...topology.keyspaces.map((keyspace) => compareKeyspace(keyspace, topology.policy, observed)),
    ...removed.map((live) => removal(live, observed)),
  ].filter((keyspace) => keyspace !== null);
  return {
    keyspaces: compared.map(({ keyspace }) => keyspace),
    changes: compared.flatMap(({ changes }) => changes),
  };
}

interface Compared {
  readonly keyspace: PlanKeyspace;
  readonly changes: readonly Change[];
}

/** Null when nothing changes. */
function compareKeyspace(keyspace: Keyspace, policy: Policy, observed: Observed): Compared | null {
  const { id, sharding, domain } = keyspace;
  const live = observedKeyspace(observed, id);
  const wanted = desiredOwners(keyspace);
  const after = asHoldings(wanted);
  const shape = { id, domain: live.routes?.domain ?? domain, likely: after };
  const owners = ownersNow(live, shape, observed);
  const changes = changesOf(id, owners, wanted);
  if (owners.length > 0) assertSeen(changes, observed);
  const routed = routedDomain(live);
  const settings = settingsOf(keyspace, policy);
  const known = routed === null ? settings : live.routes!.settings;
  const sameDomain = routed?.lo === domain.lo && routed.hi === domain.hi;
  if (changes.length === 0 && sameDomain && sameSettings(known, settings)) return null;
  return {
    keyspace: {
      id,
      sharding,
      domain: { before: routed, after: domain },
      settings: { before: known, after: settings },
      before: asHoldings(owners),
      after,
    },
    changes,
  };
}

function removal(live: ObservedKeyspace, observed: Observed): Compared {
  const { id } = live;
  const routed = routedDomain(live);
  const owners = ownersNow(live, { id, domain: routed, likely: [] }, observed);
  const changes = changesOf(id, owners, []);
  const { sharding, settings } = live.routes!;
  assertSeen(changes, observed);
  return {
    keyspace: {
      id,
      sharding,
      domain: { before: routed, after: null },
      settings: { before: settings, after: settings },
      before: asHoldings(owners),
      after: [],
    },
    changes,
  };
}

/** As `currentOwners`; nobody at all holds a keyspace that clients are sent to: then its holders are gone, not yet to be made. */
function ownersNow(
  live: ObservedKeyspace,
  shape: KeyspaceShape,
  { unreachable }: Observed,
): Piece<Owner>[] {
  const routed = routedDomain(live);
  if (live.entries.length === 0 && routed !== null) throw noPrimary(live.id, [routed], unreachable);
  return currentOwners(live, shape, unreachable);
}

function routedDomain({ routes }: ObservedKeyspace): Segment | null {
  return routes === null || routes.withdrawn ? null : routes.domain;
}

function obstacles(keyspace: Keyspace, live: ObservedKeyspace): string[] {
  const sharding = otherSharding(keyspace, live);
  if (sharding !== null) return [sharding];
  const routed = live.entries.length === 0 ? null : routedDomain(live);
  const apart = routed === null ? null : domainApart(keyspace.id, routed, keyspace.domain);
  return apart === null ? [] : [apart];
}

function removalObstacles({ id, routes }: ObservedKeyspace): string[] {
  if (routes !== null) return [];
  return [
    `keyspace ${id} is not in the file, nodes hold data of it, and no agent has its routes: what clients go by would stay unknown`,
  ];
}

/** What a silent node may hold is neither made anew nor deleted. */
function assertSeen(changes: readonly Change[], { unreachable }: Observed): void {
  const blind = changes.find((change) => !isKept(change));
  if (blind === undefined || unreachable.length === 0) return;
  const { keyspace, segments, after } = blind;
  const names = unreachable.map(({ node, why }) => `${node} (${why})`).join(", ");
  const where = segments.slice(0, 3).map(formatSegment).join(", ");
  throw new OpsError(
    "plan/unseen",
    EXIT.unreachable,
    `Keyspace ${keyspace}: ${where} would be ${after === null ? "deleted" : "made anew"}, and nodes that may hold it do not answer: ${names}`,
    { hint: "Bring these nodes back, then plan again.", details: unreachable },
  );
}
