import { setTimeout as delay } from "node:timers/promises";

export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends early, without an error, when the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    if (signal?.aborted) return;
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
  },
};

/** Tells how long ago a time (ISO 8601) was, milliseconds. */
export function ageBy({ now }: Pick<Clock, "now">): (time: string) => number {
  return (time) => now() - Date.parse(time);
}

/** What the person at the terminal asked for meanwhile. */
export interface Stop {
  /** Stop at the next safe boundary. Aborted also when `detached` is. */
  readonly stopping: AbortSignal;
  /** Leave at once; the agents go on. */
  readonly detached: AbortSignal;
}

/** Settles as the promise does, or rejects as soon as a signal is aborted. */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signals: readonly AbortSignal[],
): Promise<T> {
  promise.catch(() => {});
  for (const signal of signals) signal.throwIfAborted();
  let reject!: (reason: unknown) => void;
  const aborted = new Promise<never>((_, no) => (reject = no));
  const ends = signals.map((signal) => {
    const end = () => reject(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    return () => signal.removeEventListener("abort", end);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    for (const end of ends) end();
  }
}

/** How long a run waits for what should come right by itself, milliseconds. */
export interface Patience {
  /** For an agent that is needed and does not answer. */
  readonly reconnectMs: number;
  /** For an agent that only has to learn the routes. */
  readonly routesMs: number;
  /** For a link to stream, or a takeover to be resolved. */
  readonly linkMs: number;
  /** For a copy whose source does not answer. */
  readonly brokenLinkMs: number;
  /** Between two tries: first and longest. */
  readonly backoffMs: readonly [number, number];
  /** The same error this often in a row ends it. */
  readonly identicalErrors: number;
  /** One look at an operation. */
  readonly pollMs: number;
}

export const PATIENCE: Patience = {
  reconnectMs: 60_000,
  routesMs: 5_000,
  linkMs: 60_000,
  brokenLinkMs: 300_000,
  backoffMs: [200, 5_000],
  identicalErrors: 4,
  pollMs: 10_000,
};

/** The wait before try number `n` (from 1), milliseconds: doubled each time up to the longest. */
export function backoff([first, longest]: Patience["backoffMs"], n: number): number {
  return Math.min(longest, first * 2 ** Math.min(n - 1, 30));
}
