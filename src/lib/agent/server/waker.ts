import type { Engine } from "../../engines/contract.js";
import type { Holdings } from "./holdings.js";

/** Tells whether the log grew or an entry changed since `reset`; waits for it. */
export class Waker {
  readonly #signal: AbortSignal;
  readonly #stops: (() => void)[];
  #due = false;
  #changed = true;
  #heedsCommits = true;
  #wake: (() => void) | null = null;

  constructor(engine: Engine, holdings: Holdings, signal: AbortSignal) {
    this.#signal = signal;
    const commit = () => {
      this.#due = true;
      if (this.#heedsCommits) this.#wake?.();
    };
    const change = () => {
      this.#changed = true;
      this.ring();
    };
    this.#stops = [engine.onCommit(commit), holdings.onChange(change)];
    signal.addEventListener("abort", this.ring);
  }

  readonly ring = (): void => {
    this.#due = true;
    this.#wake?.();
  };

  reset(): void {
    this.#due = false;
  }

  get entryHasChanged(): boolean {
    return this.#changed;
  }

  /** Whether an entry changed since this was asked the last time. */
  entriesChanged(): boolean {
    const was = this.#changed;
    this.#changed = false;
    return was;
  }

  /** Waits for at most `ms`; says whether there is something. `patient`: commits alone wake nobody. Throws when the signal aborts. */
  async next(ms: number, patient: boolean): Promise<boolean> {
    if ((patient || !this.#due) && !this.#signal.aborted) {
      this.#heedsCommits = !patient;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
    this.#signal.throwIfAborted();
    return this.#due;
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#signal.removeEventListener("abort", this.ring);
  }
}
