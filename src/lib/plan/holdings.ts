import { EXIT, OpsError } from "../errors.js";
import { gaps, normalise, overlapOf, pile, type Piece, type SegmentMap } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { formatSegment } from "../keyspace/wire.js";
import { compareText } from "./order.js";
import type { Keyspace } from "../topology/types.js";
import type { Observed, ObservedEntry, ObservedKeyspace } from "./observed.js";
import type { Holding } from "./types.js";

/** Who holds a segment. */
export interface Owner {
  readonly shard: string;
  readonly primary: string;
  /** Sorted. */
  readonly replicas: readonly string[];
}

export function sameOwner(a: Owner, b: Owner): boolean {
  return (
    a.shard === b.shard &&
    a.primary === b.primary &&
    a.replicas.length === b.replicas.length &&
    a.replicas.every((node, i) => node === b.replicas[i])
  );
}

/** Primary first. */
export function copiesOf(owner: Owner): string[] {
  return [owner.primary, ...owner.replicas];
}

export function asHoldings(map: SegmentMap<Owner>): Holding[] {
  return map.map(({ lo, hi, value }) => ({ lo, hi, ...value }));
}

export function asOwners(holdings: readonly Holding[]): Piece<Owner>[] {
  return holdings.map(({ lo, hi, shard, primary, replicas }) => ({
    lo,
    hi,
    value: { shard, primary, replicas },
  }));
}

/** Who should hold what. */
export function desiredOwners(keyspace: Keyspace): Piece<Owner>[] {
  const pieces = keyspace.shards.flatMap(({ id, segments, primary, replicas }) =>
    segments.map(({ lo, hi }) => ({
      lo,
      hi,
      value: { shard: id, primary, replicas: replicas.toSorted() },
    })),
  );
  return normalise(pieces, sameOwner);
}

/** A keyspace as the search for its present owners needs it. */
export interface KeyspaceShape {
  readonly id: string;
  /** Where somebody must be primary; null for nowhere. */
  readonly domain: Segment | null;
  /** Names the shard of a primary whose shard nobody recorded. */
  readonly likely: readonly (Segment & { readonly shard: string; readonly primary: string })[];
}

/**
 * Who holds what now; empty for a keyspace of which no node holds an entry. Throws OpsError: `plan/takeover-in-progress`,
 * `plan/two-primaries`, `plan/no-primary` (exit 3, or 9 when nodes that did not answer may be the reason).
 */
export function currentOwners(
  observed: ObservedKeyspace,
  keyspace: KeyspaceShape,
  unreachable: Observed["unreachable"],
): Piece<Owner>[] {
  if (observed.entries.length === 0) return [];
  const heaps = pile(observed.entries.map((entry) => ({ ...entry.segment, value: entry })));
  const uncovered = keyspace.domain === null ? [] : gaps(heaps, keyspace.domain);
  const owners: Piece<Owner>[] = [];
  for (const { lo, hi, value: entries } of heaps) {
    const where = `Keyspace ${keyspace.id}, ${formatSegment({ lo, hi })}`;
    const claiming = entries.find((entry) => entry.role === "claiming");
    if (claiming) {
      throw new OpsError(
        "plan/takeover-in-progress",
        EXIT.refused,
        `${where}: a takeover by ${claiming.node} has not ended`,
        {
          hint: "Resume or roll back the run that began it (ops run list), then plan again.",
        },
      );
    }
    const primaries = entries.filter((entry) => entry.role === "primary");
    if (primaries.length > 1) {
      const names = primaries
        .map((entry) => `${entry.node} (generation ${entry.generation})`)
        .join(" and ");
      throw new OpsError(
        "plan/two-primaries",
        EXIT.refused,
        `${where}: ${names} both say that they are primary`,
        {
          hint: "Nothing may be planned on this. See ops agent status for both nodes.",
        },
      );
    }
    const [primary] = primaries;
    if (!primary) {
      uncovered.push({ lo, hi });
      continue;
    }
    const replicas = new Set(
      entries.map((entry) => entry.node).filter((node) => node !== primary.node),
    );
    const shard = primary.shard ?? likelyShard(primary, { lo, hi }, keyspace);
    owners.push({
      lo,
      hi,
      value: { shard, primary: primary.node, replicas: [...replicas].toSorted(compareText) },
    });
  }
  if (uncovered.length > 0) throw noPrimary(keyspace.id, uncovered, unreachable);
  return normalise(owners, sameOwner);
}

/** What was observed of a keyspace; nothing for one that no node holds. */
export function observedKeyspace(observed: Observed, id: string): ObservedKeyspace {
  return (
    observed.keyspaces.find((keyspace) => keyspace.id === id) ?? { id, routes: null, entries: [] }
  );
}

function likelyShard(entry: ObservedEntry, part: Segment, keyspace: KeyspaceShape): string {
  const mine = keyspace.likely.filter((holding) => holding.primary === entry.node);
  const over = mine.find((holding) => overlapOf(holding, part));
  return (over ?? mine[0])?.shard ?? entry.node;
}

/** Throws OpsError `plan/no-primary`: exit 9 when nodes that did not answer may be the reason, else 3. */
export function noPrimary(
  keyspace: string,
  uncovered: readonly Segment[],
  unreachable: Observed["unreachable"],
): OpsError {
  const where = uncovered.map(formatSegment).join(", ");
  if (unreachable.length > 0) {
    const names = unreachable.map(({ node, why }) => `${node} (${why})`).join(", ");
    return new OpsError(
      "plan/no-primary",
      EXIT.unreachable,
      `Keyspace ${keyspace}: no node that answered is primary of ${where}; no answer from ${names}`,
      { hint: "Bring these nodes back, then plan again." },
    );
  }
  return new OpsError(
    "plan/no-primary",
    EXIT.refused,
    `Keyspace ${keyspace}: no node is primary of ${where}`,
    {
      hint: "A node that holds it may be missing from the topology: keep a node there until it is drained.",
    },
  );
}
