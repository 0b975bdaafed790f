/** An answer is given for so long after it was made. */
const KEPT_MS = 2_000;

interface Count<T> {
  readonly answer: Promise<T>;
  /** Null while it goes on. */
  madeAt: number | null;
}

/** A count that takes long: whoever asks while it goes on, or soon after, gets the same answer. */
export class SharedCount<T> {
  readonly #count: () => Promise<T>;
  /** ms, monotonic */
  readonly #now: () => number;
  #last: Count<T> | null = null;

  constructor(count: () => Promise<T>, now: () => number) {
    this.#count = count;
    this.#now = now;
  }

  async ask(): Promise<T> {
    const last = this.#last;
    if (last !== null && (last.madeAt === null || this.#now() - last.madeAt < KEPT_MS))
      return last.answer;
    const next: Count<T> = { answer: this.#count(), madeAt: null };
    this.#last = next;
    try {
      return await next.answer;
    } finally {
      next.madeAt = this.#now();
    }
  }

  /** Whoever asks next has it counted anew, also while a count goes on. */
  forget(): void {
    this.#last = null;
  }
}
