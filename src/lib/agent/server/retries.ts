const FIRST_MS = 25;
const MOST_MS = 1_000;

/** Things to try again, each after a wait that doubles. One wait for a name at a time. */
export class Retries {
  readonly #known = new Map<string, { timer: NodeJS.Timeout | null; delay: number }>();
  #closed = false;

  later(name: string, again: () => void): void {
    const known = this.#known.get(name) ?? { timer: null, delay: FIRST_MS };
    if (known.timer !== null || this.#closed) return;
    known.timer = setTimeout(() => {
      known.timer = null;
      known.delay = Math.min(known.delay * 2, MOST_MS);
      again();
    }, known.delay);
    this.#known.set(name, known);
  }

  /** It went well: the next wait for this name is the first again. */
  forget(name: string): void {
    const known = this.#known.get(name);
    if (known?.timer) clearTimeout(known.timer);
    this.#known.delete(name);
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#known.values()) if (timer !== null) clearTimeout(timer);
  }
}
