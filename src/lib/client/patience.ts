import { setTimeout as sleep } from "node:timers/promises";

const FIRST_MS = 5;
const LONGEST_MS = 200;
/** One access follows so many redirects without a pause: more means that nobody knows the owner yet. */
const FREE_HOPS = 3;

/** How long one access may still go on, and its pauses between attempts. */
export class Patience {
  readonly #until: number;
  #pauses = 0;
  #hops = 0;

  constructor(deadlineMs: number) {
    this.#until = performance.now() + deadlineMs;
  }

  /** Milliseconds, at least 1. */
  get leftMs(): number {
    return Math.max(1, Math.ceil(this.#until - performance.now()));
  }

  get over(): boolean {
    return performance.now() >= this.#until;
  }

  /** Longer from one time to the next; `askedMs` is what the node asked for. Spread, so that clients do not come back together. */
  async pause(askedMs?: number): Promise<void> {
    const step = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#pauses, 10));
    this.#pauses += 1;
    const ms = Math.min(askedMs ?? step, LONGEST_MS) * (0.5 + Math.random() / 2);
    await sleep(Math.min(ms, this.leftMs));
  }

  async hop(): Promise<void> {
    this.#hops += 1;
    if (this.#hops > FREE_HOPS) await this.pause();
  }
}
