import { Backoff } from "./backoff.js";

const WAIT_MS = { first: 25, most: 1_000 };

/** Things to try again, each after a wait that doubles. One wait for a name at a time. */
export class Retries {
  readonly #known = new Map<string, { timer: NodeJS.Timeout | null; readonly waits: Backoff }>();
  #closed = false;

  later(name: string, again: () => void): void {
    const known = this.#known.get(name) ?? { timer: null, waits: new Backoff(WAIT_MS) };
    if (known.timer !== null || this.#closed) return;
    known.timer = setTimeout(() => {
      known.timer = null;
      again();
    }, known.waits.next());
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
