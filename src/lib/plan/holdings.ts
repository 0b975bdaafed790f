import { EXIT, OpsError } from "../errors.js";
import {
  gaps,
  normalise,
  sortSegments,
  sweep,
  touching,
  type Piece,
  type SegmentMap,
} from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { formatSegment } from "../keyspace/wire.js";
import { compareText } from "./order.js";
import type { Keyspace } from "../topology/types.js";
import type { Observed, ObservedEntry, ObservedKeyspace } from "./observed.js";
import type { Holding, PlanKeyspace } from "./types.js";

/** Who holds a segment. */
export interface Owner {
  readonly shard: string;
  readonly primary: string;
  /** Sorted. */
  readonly replicas: readonly string[];
}

export function sameOwner(a: Owner, b: Owner): boolean {
  if (a === b) return true;
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

/** Whether a node is among the copies more than once. */
export function hasTwice({ primary, replicas }: Owner): boolean {
  return replicas.some((node, i) => node === primary || replicas.indexOf(node) < i);
}

/** Every node that holds something before or after, sorted. */
export function holdersOf({ before, after }: Pick<PlanKeyspace, "before" | "after">): string[] {
  const nodes = new Set<string>();
  for (const holdings of [before, after]) {
    for (const { primary, replicas } of holdings) {
      nodes.add(primary);
      for (const node of replicas) nodes.add(node);
    }
  }
  return [...nodes].toSorted();
}

export function asHoldings(map: SegmentMap<Owner>): Holding[] {
  return map.map(({ lo, hi, value: { shard, primary, replicas } }) => ({
    lo,
    hi,
    shard,
    primary,
    replicas,
  }));
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
  const pieces = keyspace.shards.flatMap(({ id, segments, primary, replicas }) => {
    const value = { shard: id, primary, replicas: replicas.toSorted(compareText) };
    return segments.map(({ lo, hi }) => ({ lo, hi, value }));
  });
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

/** The shards of a keyspace as the file has them. */
export function likelyIn({ shards }: Keyspace): KeyspaceShape["likely"] {
  return shards.flatMap((shard) =>
    shard.segments.map((segment) => ({ ...segment, shard: shard.id, primary: shard.primary })),
  );
}

/** How a part of a keyspace stands. */
export type Standing =
  | { readonly is: "owned"; readonly owner: Owner }
  /** A takeover by this node has not ended. */
  | { readonly is: "claimed"; readonly by: string }
  /** Several say that they are primary, each with its generation. */
  | { readonly is: "contested"; readonly by: readonly string[] }
  /** Nobody that answered is primary. */
  | { readonly is: "orphaned" };

/** How every part stands of which a node holds an entry, or somebody must be primary; sorted, cut at every edge. */
export function standingsOf(
  observed: ObservedKeyspace,
  keyspace: KeyspaceShape,
): Piece<Standing>[] {
  const shardOf = likelyShards(keyspace);
  const owned = soleOwners();
  const held: Piece<Standing>[] = [];
  for (const { lo, hi, value: entries } of sweep(observed.entries, ({ segment }) => segment)) {
    const primary = primaryOf(entries);
    if ("is" in primary) {
      held.push({ lo, hi, value: primary });
      continue;
    }
    const shard = primary.shard ?? shardOf(primary.node, { lo, hi });
    const replicas = entries.map(({ node }) => node).filter((node) => node !== primary.node);
    held.push({ lo, hi, value: owned(shard, primary.node, replicas) });
  }
  const unheld = keyspace.domain === null ? [] : gaps(held, keyspace.domain);
  if (unheld.length === 0) return held;
  const orphaned = unheld.map((gap): Piece<Standing> => ({ ...gap, value: { is: "orphaned" } }));
  return sortSegments([...held, ...orphaned]);
}

/** The one entry that is primary, or why there is none. */
function primaryOf(entries: readonly ObservedEntry[]): ObservedEntry | Standing {
  const claiming = entries.find((entry) => entry.role === "claiming");
  if (claiming) return { is: "claimed", by: claiming.node };
  const primaries = entries.filter((entry) => entry.role === "primary");
  if (primaries.length > 1) {
    const by = primaries.map(({ node, generation }) => `${node} (generation ${generation})`);
    return { is: "contested", by };
  }
  return primaries[0] ?? { is: "orphaned" };
}

/** Gives equal owners as one object: a few hold hundreds of thousands of segments. */
function soleOwners(): (shard: string, primary: string, replicas: readonly string[]) => Standing {
  const known = new Map<string, Standing>();
  return (shard, primary, replicas) => {
    const key = [shard, primary, ...replicas].join("\0");
    const standing = known.get(key) ?? {
      is: "owned",
      owner: { shard, primary, replicas: [...new Set(replicas)].toSorted(compareText) },
    };
    known.set(key, standing);
    return standing;
  };
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
  const uncovered: Segment[] = [];
  const owners: Piece<Owner>[] = [];
  for (const { lo, hi, value } of standingsOf(observed, keyspace)) {
    const where = `Keyspace ${keyspace.id}, ${formatSegment({ lo, hi })}`;
    switch (value.is) {
      case "claimed":
        throw new OpsError(
          "plan/takeover-in-progress",
          EXIT.refused,
          `${where}: a takeover by ${value.by} has not ended`,
          { hint: "Resume or roll back the run that began it (ops run list), then plan again." },
        );
      case "contested":
        throw new OpsError(
          "plan/two-primaries",
          EXIT.refused,
          `${where}: ${value.by.join(" and ")} both say that they are primary`,
          { hint: "Nothing may be planned on this. See ops agent status for both nodes." },
        );
      case "orphaned":
        uncovered.push({ lo, hi });
        break;
      case "owned":
        owners.push({ lo, hi, value: value.owner });
    }
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

/** Names the shard of a part of a primary: the one that overlaps it, else any of that node, else the node itself. */
function likelyShards({ likely }: KeyspaceShape): (primary: string, part: Segment) => string {
  const known = new Map<string, (Segment & { readonly shard: string })[]>();
  return (primary, part) => {
    if (known.size === 0) {
      for (const holding of sortSegments(likely)) {
        const mine = known.get(holding.primary);
        if (mine) mine.push(holding);
        else known.set(holding.primary, [holding]);
      }
    }
    const mine = known.get(primary) ?? [];
    return (touching(mine, part)[0] ?? mine[0])?.shard ?? primary;
  };
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
