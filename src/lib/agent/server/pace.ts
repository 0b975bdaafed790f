import { setTimeout as sleep } from "node:timers/promises";
import type { ThrottleReason } from "./link-state.js";

/** The source's p99 write latency above which a copy slows down, ms. */
const FOREGROUND_P99_MS = 25;
/** A copy never gets slower than this, bytes per second, or it would not end. */
const LEAST_RATE = 1024 * 1024;

/** Token bucket of one copy. The rate may change while it runs: by its limit, and by what the source's clients feel. */
export class Pace {
  #limit: number | null;
  /** What the foreground allows; null while it asks for nothing. */
  #foreground: number | null = null;
  /** Bytes that may go now; negative after a burst. */
  #tokens = 0;
  #at = performance.now();

  /** Bytes per second; null for no limit. */
  constructor(limit: number | null) {
    this.#limit = limit;
  }

  set limit(bytesPerSecond: number | null) {
    this.#limit = bytesPerSecond;
  }

  get rate(): number | null {
    if (this.#limit === null) return this.#foreground;
    return this.#foreground === null ? this.#limit : Math.min(this.#limit, this.#foreground);
  }

  get reason(): ThrottleReason {
    if (this.rate === null) return "none";
    return this.rate === this.#limit ? "limit" : "foreground";
  }

  /** Halves the rate while the source's clients wait too long, and raises it again by a quarter. `bytesPerSecond`: the rate now. */
  heed(foregroundP99Ms: number, bytesPerSecond: number): void {
    if (foregroundP99Ms > FOREGROUND_P99_MS) {
      this.#foreground = Math.max(LEAST_RATE, (this.#foreground ?? bytesPerSecond) / 2);
    } else if (this.#foreground !== null) {
      const faster = this.#foreground * 1.25;
      this.#foreground = this.#limit !== null && faster > this.#limit ? null : faster;
    }
  }

  /** Waits until `bytes` more may go. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const rate = this.rate;
      const now = performance.now();
      if (rate === null) {
        this.#tokens = 0;
        this.#at = now;
        return;
      }
      // At most a tenth of a second is saved up.
      this.#tokens = Math.min(rate / 10, this.#tokens + ((now - this.#at) / 1000) * rate);
      this.#at = now;
      if (this.#tokens >= 0) {
        this.#tokens -= bytes;
        return;
      }
      await sleep(Math.min(250, Math.max(1, (-this.#tokens / rate) * 1000)), undefined, { signal });
    }
  }
}
