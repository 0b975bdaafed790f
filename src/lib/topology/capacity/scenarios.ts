import type { Node } from "../types.js";
import type { Loss } from "./losses.js";
import type { LoadedShard } from "./placement.js";

/** What a shard adds to sums, when these of its copies are left. The first one takes the writes. */
export type Effect<K> = (
  shard: LoadedShard,
  copies: readonly Node[],
) => Iterable<readonly [key: K, amounts: readonly number[]]>;

/** Sums of effects: now (all of them, with the loss null), or after a loss (those that it changes). */
export interface Scenario<K> {
  readonly loss: Loss | null;
  readonly sums: ReadonlyMap<K, readonly number[]>;
}

/**
 * The scenario of now, then one for each loss. When copies are lost, the first one left takes the writes. Only shards that lose
 * a copy are looked at again, so all losses together cost about as much as the normal state does, for each place that a copy is in.
 */
export function* scenarios<K>(
  shards: readonly LoadedShard[],
  losses: readonly Loss[],
  effect: Effect<K>,
): Generator<Scenario<K>> {
  const now = new Map<K, number[]>();
  for (const shard of shards) add(now, effect(shard, shard.copies), 1);
  yield { loss: null, sums: now };

  const inIdc = new Map<string, LoadedShard[]>();
  for (const shard of shards) {
    for (const { idc } of shard.copies) {
      const there = inIdc.get(idc);
      if (there) there.push(shard);
      else inIdc.set(idc, [shard]);
    }
  }
  for (const loss of losses) {
    const hit = new Set([...loss.idcs].flatMap((idc) => inIdc.get(idc) ?? []));
    const changed = new Map<K, number[]>();
    for (const shard of hit) {
      const left = shard.copies.filter(({ idc }) => !loss.idcs.has(idc));
      add(changed, effect(shard, shard.copies), -1);
      if (left.length > 0) add(changed, effect(shard, left), 1);
    }
    for (const [key, amounts] of changed) {
      const before = now.get(key);
      if (before) for (const [i, amount] of before.entries()) amounts[i]! += amount;
    }
    yield { loss, sums: changed };
  }
}

function add<K>(sums: Map<K, number[]>, effects: ReturnType<Effect<K>>, sign: 1 | -1): void {
  for (const [key, amounts] of effects) {
    const sum = sums.get(key);
    if (!sum)
      sums.set(
        key,
        amounts.map((amount) => sign * amount),
      );
    else for (const [i, amount] of amounts.entries()) sum[i]! += sign * amount;
  }
}
