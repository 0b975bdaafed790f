/** Buckets of one position each, in order of position, owned by standing shards: the instance as a plain table. */
export interface Instance {
  /** Of each bucket: the number of its shard, and its demand. */
  readonly owners: readonly number[];
  readonly demands: readonly (readonly [number, number, number])[];
  readonly standing: readonly (readonly [number, number, number])[];
  readonly added: readonly (readonly [number, number, number])[];
}

const SLACK = 1 + 1e-9;

/**
 * Every way to give buckets to new shards, by sets of buckets: a set of moved ones, and every way to cut it into one part for each new
 * shard. Nothing is taken from the code under test. `O(3^buckets)`.
 */
export class BruteForce {
  readonly #instance: Instance;
  readonly #sums: Float64Array[];
  readonly #runs: Uint8Array;
  /** Highest load of a standing shard when this set is gone; infinite when one would be empty. */
  readonly #staying: Float64Array;

  constructor(instance: Instance) {
    this.#instance = instance;
    const { owners, demands, standing } = instance;
    const sets = 1 << owners.length;
    this.#sums = [0, 1, 2].map(() => new Float64Array(sets));
    this.#runs = new Uint8Array(sets);
    for (let set = 1; set < sets; set += 1) {
      const low = 31 - Math.clz32(set & -set);
      for (const [r, sums] of this.#sums.entries())
        sums[set] = sums[set & (set - 1)]! + demands[low]![r]!;
      let runs = 0;
      for (let i = 0; i < owners.length; i += 1)
        if ((set >> i) & 1 && !(i > 0 && (set >> (i - 1)) & 1)) runs += 1;
      this.#runs[set] = runs;
    }
    const own = standing.map((_, shard) =>
      owners.reduce((set, owner, i) => (owner === shard ? set | (1 << i) : set), 0),
    );
    this.#staying = new Float64Array(sets);
    for (let set = 0; set < sets; set += 1) {
      this.#staying[set] = Math.max(
        ...own.map((all, shard) =>
          (all & ~set) === 0 ? Infinity : this.#load(all & ~set, standing[shard]!),
        ),
      );
    }
  }

  #load(set: number, capacity: readonly number[]): number {
    return Math.max(...capacity.map((of, r) => this.#sums[r]![set]! / of));
  }

  /** Nothing moved, new shards empty. */
  get before(): number {
    return this.#staying[0]!;
  }

  /** The lowest possible highest load; infinite when not every shard can have something. */
  lowestLevel(): number {
    const cut = this.#bestCut(
      (set, shard) => this.#load(set, this.#instance.added[shard]!),
      Math.max,
      0,
    );
    return cut.reduce(
      (best, level, set) => Math.min(best, Math.max(level, this.#staying[set]!)),
      Infinity,
    );
  }

  fewestBytes(level: number): number {
    const possible = this.#possible(level);
    return this.#sums[0]!.reduce(
      (best, bytes, set) => (possible[set]! < Infinity ? Math.min(best, bytes) : best),
      Infinity,
    );
  }

  /** Of the ways that move at most so many bytes. */
  fewestSegments(level: number, bytes: number): number {
    const { owners, standing } = this.#instance;
    const possible = this.#possible(level);
    let best = Infinity;
    for (let set = 0; set < possible.length; set += 1) {
      if (possible[set] === Infinity || this.#sums[0]![set]! > bytes * SLACK) continue;
      const kept = standing.reduce((count, _, shard) => {
        const own = owners.reduce(
          (all, owner, i) => (owner === shard && !((set >> i) & 1) ? all | (1 << i) : all),
          0,
        );
        return count + this.#runs[own]!;
      }, 0);
      best = Math.min(best, kept + possible[set]!);
    }
    return best;
  }

  /** Fewest segments of the new shards for each moved set; infinite when some shard would be above the level or empty. */
  #possible(level: number): Float64Array {
    const runs = this.#bestCut(
      (set, shard) =>
        this.#load(set, this.#instance.added[shard]!) <= level * SLACK
          ? this.#runs[set]!
          : Infinity,
      (a, b) => a + b,
      0,
    );
    return runs.map((count, set) => (this.#staying[set]! <= level * SLACK ? count : Infinity));
  }

  /** For each set: the least of `join` over all ways to cut it into non-empty parts, one for each new shard. */
  #bestCut(
    value: (set: number, shard: number) => number,
    join: (a: number, b: number) => number,
    nothing: number,
  ): Float64Array {
    const sets = this.#staying.length;
    let best = new Float64Array(sets).fill(Infinity);
    best[0] = nothing;
    for (const shard of this.#instance.added.keys()) {
      const values = Float64Array.from({ length: sets }, (_, set) => value(set, shard));
      const next = new Float64Array(sets).fill(Infinity);
      for (let set = 1; set < sets; set += 1) {
        let least = Infinity;
        for (let part = set; part > 0; part = (part - 1) & set) {
          const joined = join(best[set & ~part]!, values[part]!);
          if (joined < least) least = joined;
        }
        next[set] = least;
      }
      best = next;
    }
    return best;
  }
}
