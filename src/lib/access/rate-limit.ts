const WINDOW_MS = 1_000;

/**
 * A token bucket that also keeps every second: never more than `perSecond` in any window of one second, wherever it begins, although
 * what `savedMs` bring may be saved up and spent at once. Times are ms of any clock that never goes back.
 */
export class RateLimit {
  #perSecond: number;
  readonly #savedMs: number;
  #tokens = 0;
  #at: number;
  /** When those of the last second were taken, oldest first, as a ring. */
  #taken: Float64Array;
  #first = 0;
  #count = 0;

  constructor(perSecond: number, savedMs: number, now: number) {
    this.#perSecond = perSecond;
    this.#savedMs = savedMs;
    this.#taken = new Float64Array(perWindow(perSecond));
    this.#at = now;
  }

  get perSecond(): number {
    return this.#perSecond;
  }

  /** Another rate; what was taken in the last second counts on. */
  change(perSecond: number, now: number): void {
    if (perSecond === this.#perSecond) return;
    this.#refill(now);
    const taken = new Float64Array(perWindow(perSecond));
    // Only the youngest can still be in the way of a smaller limit.
    const kept = Math.min(this.#count, taken.length);
    for (let i = 0; i < kept; i += 1) taken[i] = this.#takenAt(this.#count - kept + i);
    this.#taken = taken;
    this.#first = 0;
    this.#count = kept;
    this.#perSecond = perSecond;
    this.#tokens = Math.min(this.#tokens, this.#capacity);
  }

  /** How many may be taken now. */
  available(now: number): number {
    this.#refill(now);
    return Math.min(Math.floor(this.#tokens + 1e-6), this.#taken.length - this.#count);
  }

  /** Whether half of what may be saved up is there. */
  hasSpare(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= this.#capacity / 2;
  }

  /** Takes one if there is one. */
  take(now: number): boolean {
    if (this.available(now) < 1) return false;
    this.#tokens -= 1;
    this.#taken[(this.#first + this.#count) % this.#taken.length] = now;
    this.#count += 1;
    return true;
  }

  get #capacity(): number {
    return Math.max(1, (this.#perSecond * this.#savedMs) / 1_000);
  }

  #takenAt(i: number): number {
    return this.#taken[(this.#first + i) % this.#taken.length]!;
  }

  #refill(now: number): void {
    const grown = this.#tokens + ((now - this.#at) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#capacity, grown);
    this.#at = now;
    while (this.#count > 0 && this.#takenAt(0) <= now - WINDOW_MS) {
      this.#first = (this.#first + 1) % this.#taken.length;
      this.#count -= 1;
    }
  }
}

function perWindow(perSecond: number): number {
  return Math.max(1, Math.floor(perSecond));
}
