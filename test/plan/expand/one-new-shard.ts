/** Shards side by side, of whole numbers of bytes by bucket; one new shard; all of one capacity. */
export interface Row {
  readonly shards: readonly (readonly number[])[];
}

/**
 * With one new shard and one resource the shards do not stand in each other's way: each gives away the smallest sum that is enough, of
 * all sums of its buckets. So every choice can be counted, also where there are too many to list them.
 */
export class OneNewShard {
  readonly #row: Row;
  /** Of each shard: the sums that can move, something staying, from the smallest on. */
  readonly #sums: readonly (readonly number[])[];

  constructor(row: Row) {
    this.#row = row;
    this.#sums = row.shards.map((buckets) => {
      // The last bucket that stays, whichever it is: sums of the others.
      const sums = new Set<number>();
      for (const [stays] of buckets.entries()) {
        let some = new Set([0]);
        for (const [i, bytes] of buckets.entries())
          if (i !== stays) some = new Set([...some, ...[...some].map((one) => one + bytes)]);
        for (const one of some) sums.add(one);
      }
      return [...sums].toSorted((a, b) => a - b);
    });
  }

  get before(): number {
    return Math.max(...this.#row.shards.map(total));
  }

  /** What each shard gives away at least so that none has more than `most`; null when that cannot be. */
  given(most: number): number[] | null {
    const given = this.#row.shards.map((buckets, shard) =>
      this.#sums[shard]!.find((sum) => total(buckets) - sum <= most * (1 + 1e-9)),
    );
    if (given.some((sum) => sum === undefined)) return null;
    const sums = given as number[];
    return total(sums) <= most * (1 + 1e-9) ? sums : null;
  }

  /** The least that the fullest shard can have. */
  lowest(): number {
    for (let most = 0; ; most += 1) if (this.given(most) !== null) return most;
  }

  /** Fewest segments when each shard gives away exactly so much. */
  fewestSegments(given: readonly number[]): number {
    // Whether the last bucket moved -> the fewest segments up to here.
    let ends = new Map<boolean, number>([[false, 0]]);
    for (const [shard, buckets] of this.#row.shards.entries()) {
      let states = new Map<
        string,
        { sum: number; stays: boolean; moved: boolean; count: number }
      >();
      for (const [moved, count] of ends)
        states.set(`start ${moved}`, { sum: 0, stays: false, moved, count });
      for (const [i, bytes] of buckets.entries()) {
        const next: typeof states = new Map();
        const add = (sum: number, stays: boolean, moved: boolean, count: number): void => {
          const key = `${sum} ${stays} ${moved}`;
          if (sum <= given[shard]! && count < (next.get(key)?.count ?? Infinity))
            next.set(key, { sum, stays, moved, count });
        };
        for (const { sum, stays, moved, count } of states.values()) {
          add(sum, true, false, count + (i === 0 || moved ? 1 : 0));
          add(sum + bytes, stays, true, count + (moved ? 0 : 1));
        }
        states = next;
      }
      ends = new Map();
      for (const { sum, stays, moved, count } of states.values()) {
        if (sum === given[shard] && stays && count < (ends.get(moved) ?? Infinity))
          ends.set(moved, count);
      }
    }
    return Math.min(...ends.values());
  }
}

function total(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0);
}
