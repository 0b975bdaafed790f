import { difference } from "../keyspace/map.js";
import { asOwners } from "./holdings.js";
import type { PlanKeyspace } from "./types.js";

/** A change of a hash ring moves no more than this times what a perfectly even one would, or the plan says so. */
export const RING_BOUND = 1.05;

/** How much of a hash ring goes to another shard, 0..1. */
export interface RingShare {
  readonly moved: number;
  /** What must move when every shard has the same share, before and after: K/n for one shard more or less. */
  readonly even: number;
  readonly shards: { readonly before: number; readonly after: number };
}

/** Null for a keyspace that is no ring, or none before or after, or of which nothing goes to another shard. */
export function ringShare({ sharding, domain, before, after }: PlanKeyspace): RingShare | null {
  if (sharding !== "consistent-hash" || domain.after === null) return null;
  if (before.length === 0 || after.length === 0) return null;
  const width = domain.after.hi - domain.after.lo;
  const changes = difference(asOwners(before), asOwners(after), (a, b) => a.shard === b.shard);
  const moved = changes.reduce((sum, { lo, hi }) => sum + (hi - lo), 0n);
  if (moved === 0n) return null;
  const old = new Set(before.map(({ shard }) => shard));
  const now = new Set(after.map(({ shard }) => shard));
  const stays = [...now].filter((shard) => old.has(shard)).length;
  const gains = Math.max(0, 1 / now.size - 1 / old.size) * stays;
  return {
    moved: Number((moved * 1_000_000_000n) / width) / 1e9,
    even: (now.size - stays) / now.size + gains,
    shards: { before: old.size, after: now.size },
  };
}
