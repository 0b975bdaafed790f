/** Lets one write of a key follow the other: two connections keep no order. */
export class Lanes {
  readonly #last = new Map<string, Promise<void>>();

  /** Enters the lanes of all keys at once, waits for those before, and does the work. */
  async run<T>(keys: Iterable<string>, work: () => Promise<T>): Promise<T> {
    const mine = [...new Set(keys)];
    const before = mine.flatMap((key) => this.#last.get(key) ?? []);
    let leave!: () => void;
    const left = new Promise<void>((resolve) => (leave = resolve));
    for (const key of mine) this.#last.set(key, left);
    try {
      if (before.length > 0) await Promise.all(before);
      return await work();
    } finally {
      for (const key of mine) if (this.#last.get(key) === left) this.#last.delete(key);
      leave();
    }
  }
}
