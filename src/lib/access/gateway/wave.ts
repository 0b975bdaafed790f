import type { RateLimit } from "../rate-limit.js";

/** At most so many at once when there is no pace. */
const UNPACED_STEP = 500;
/** Whether one can be told takes time to find out, also where the answer is no. */
const LOOKS_STEP = 2_000;

export interface WaveOptions {
  /** At most so many are told; null: all. */
  readonly count: number | null;
  /** Null: as fast as it goes. */
  readonly limit: RateLimit | null;
  /** Who was told and is still there after so long is overdue; null: who is told is gone with that. */
  readonly withinMs: number | null;
}

/**
 * Whom to tell to leave and whom to close, and when: in the order of a queue, and never faster than the limit, overdue ones
 * included, since those come back as logins too.
 */
export class Wave<S> {
  readonly #options: WaveOptions;
  /** Told and still there, with their deadlines; the soonest first. */
  readonly #told = new Map<S, number>();
  #queue: readonly S[] = [];
  #next = 0;
  told = 0;
  left = 0;
  overdue = 0;

  constructor(options: WaveOptions) {
    this.#options = options;
  }

  get isQueueEmpty(): boolean {
    return this.#next >= this.#queue.length || this.#isFull;
  }

  /** Those who were told and are still there. */
  get staying(): number {
    return this.#told.size;
  }

  get queued(): number {
    const queued = this.#queue.length - this.#next;
    const { count } = this.#options;
    return count === null ? queued : Math.min(queued, count - this.told);
  }

  enqueue(queue: readonly S[]): void {
    this.#queue = queue;
    this.#next = 0;
  }

  /** Was told by an earlier one, and is still there. The soonest deadlines first. */
  adopt(session: S, deadline: number): void {
    this.#told.set(session, deadline);
  }

  /** `tell` says whether it could be told; who could not costs nothing. `close` must end the session. */
  step(now: number, tell: (session: S) => boolean, close: (session: S) => void): void {
    const { limit, withinMs } = this.#options;
    let budget = limit === null ? UNPACED_STEP : limit.available(now);
    for (const [session, deadline] of this.#told) {
      if (budget === 0 || deadline > now) break;
      this.#told.delete(session);
      this.overdue += 1;
      budget -= 1;
      limit?.take(now);
      close(session);
    }
    for (let looks = 0; looks < LOOKS_STEP; looks += 1, this.#next += 1) {
      if (budget === 0 || this.isQueueEmpty) break;
      const session = this.#queue[this.#next]!;
      if (!tell(session)) continue;
      this.told += 1;
      if (withinMs !== null) this.#told.set(session, now + withinMs);
      budget -= 1;
      limit?.take(now);
    }
  }

  /** The session has ended; whether it was told and had left by itself. */
  gone(session: S): boolean {
    if (!this.#told.delete(session)) return false;
    this.left += 1;
    return true;
  }

  get #isFull(): boolean {
    return this.#options.count !== null && this.told >= this.#options.count;
  }
}
