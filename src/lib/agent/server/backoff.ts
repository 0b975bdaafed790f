/** Waits that double, ms. */
export class Backoff {
  readonly #first: number;
  readonly #most: number;
  #next: number;

  constructor({ first, most }: { first: number; most: number }) {
    this.#first = first;
    this.#most = most;
    this.#next = first;
  }

  next(): number {
    const delay = this.#next;
    this.#next = Math.min(delay * 2, this.#most);
    return delay;
  }

  /** It went well: the next wait is the first again. */
  reset(): void {
    this.#next = this.#first;
  }
}
