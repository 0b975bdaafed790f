import { monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 10;
const SPAN_MS = 5_000;

/**
 * How late the process is. When a login has come nobody can see before it is read; but what is late for a timer is late for it, too:
 * it waits in the process as long as everything else there does.
 */
export class Lateness {
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #before = 0;

  constructor() {
    this.#delays.enable();
    this.#timer = setInterval(() => {
      this.#before = this.#now();
      this.#delays.reset();
    }, SPAN_MS).unref();
  }

  /** 99 of 100 waits were shorter, in the last five seconds or in the five before, whichever were worse; ms. */
  get p99Ms(): number {
    return Math.max(this.#before, this.#now());
  }

  close(): void {
    clearInterval(this.#timer);
    this.#delays.disable();
  }

  #now(): number {
    return Math.max(0, this.#delays.percentile(99) / 1e6 - RESOLUTION_MS);
  }
}
