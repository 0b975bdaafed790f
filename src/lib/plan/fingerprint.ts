import { DEFAULT_SETTINGS, sameSettings, type KeyspaceSettings } from "../routing/settings.js";
import { hashOfAll } from "./hash.js";
import { sameOwner, type Owner } from "./holdings.js";
import { compareText } from "./order.js";
import type { Holding, PlanKeyspace } from "./types.js";

/**
 * SHA-256 of who holds what on one side of a plan: shard, primary and replicas of every segment of these keyspaces, whatever the
 * order of the keyspaces, and the settings where clients are sent there and they are not the defaults. Covers no versions and no
 * generations, so a plan that was rolled back has the fingerprint it started from.
 */
export function fingerprintOf(
  keyspaces: readonly PlanKeyspace[],
  side: "before" | "after",
): string {
  return hashOfAll(ownershipParts(keyspaces, side));
}

/**
 * What the fingerprint is the hash of: for each keyspace, by its id, a head and the bytes of its segments. The head says how many
 * they are and is canonical JSON on a line of its own, so no two ownerships have the same parts in a row.
 */
export function* ownershipParts(
  keyspaces: readonly PlanKeyspace[],
  side: "before" | "after",
): Generator<OwnershipHead | Uint8Array> {
  const sorted = keyspaces.toSorted((a, b) => compareText(a.id, b.id));
  for (const { id, domain, settings, ...holdings } of sorted) {
    const held = holdings[side];
    const { owners, bytes } = segmentBytes(held);
    const own = domain[side] === null ? DEFAULT_SETTINGS : settings[side];
    yield {
      id,
      settings: sameSettings(own, DEFAULT_SETTINGS) ? null : own,
      owners,
      segments: held.length,
    };
    yield bytes;
  }
}

interface OwnershipHead {
  readonly id: string;
  readonly settings: KeyspaceSettings | null;
  /** Each once, by its first segment. */
  readonly owners: readonly Owner[];
  readonly segments: number;
}

const SEGMENT_BYTES = 20;

/** Of each segment `lo`, `hi` (8 bytes; 0 for 2^64) and the place of its owner among all (4 bytes), big-endian. */
function segmentBytes(holdings: readonly Holding[]): {
  readonly owners: readonly Owner[];
  readonly bytes: Uint8Array;
} {
  const bytes = new Uint8Array(holdings.length * SEGMENT_BYTES);
  const view = new DataView(bytes.buffer);
  const owners: Owner[] = [];
  const placeOf = places(owners);
  let at = 0;
  for (const holding of holdings) {
    view.setBigUint64(at, holding.lo);
    view.setBigUint64(at + 8, holding.hi);
    view.setUint32(at + 16, placeOf(holding));
    at += SEGMENT_BYTES;
  }
  return { owners, bytes };
}

/** Finds the place of an owner in the list, which grows by those that are new. */
function places(owners: Owner[]): (owner: Owner) => number {
  const known = new Map<string, { readonly owner: Owner; readonly place: number }[]>();
  return (owner) => {
    const { shard, primary, replicas } = owner;
    const ofShard = known.get(shard) ?? [];
    const found = ofShard.find((one) => sameOwner(one.owner, owner));
    if (found) return found.place;
    const place = owners.length;
    owners.push({ shard, primary, replicas });
    known.set(shard, [...ofShard, { owner, place }]);
    return place;
  };
}
