import { exceeds } from "./amounts.js";
import type { Loss } from "./losses.js";
import type { Scenario } from "./scenarios.js";

/** An amount that is more than its limit. */
export interface Excess<K> {
  readonly key: K;
  /** Which of the amounts of the key. */
  readonly index: number;
  /** Null where it is too much with nothing lost. */
  readonly loss: Loss | null;
  readonly needed: number;
  readonly there: number;
}

/** Each amount that is over its limit now, or else where it is the most. `limits` are those of a key; null where none are known. */
export function excesses<K>(
  all: Iterable<Scenario<K>>,
  limits: (key: K) => readonly number[] | null,
): Excess<K>[] {
  const worst = new Map<K, Map<number, Excess<K>>>();
  for (const { loss, sums } of all) {
    for (const [key, amounts] of sums) {
      for (const [index, there] of (limits(key) ?? []).entries()) {
        const needed = amounts[index]!;
        if (!exceeds(needed, there)) continue;
        const found = worst.get(key) ?? new Map<number, Excess<K>>();
        const before = found.get(index);
        if (before && (before.loss === null || before.needed >= needed)) continue;
        worst.set(key, found.set(index, { key, index, loss, needed, there }));
      }
    }
  }
  return [...worst.values()].flatMap((found) => [...found.values()]);
}
