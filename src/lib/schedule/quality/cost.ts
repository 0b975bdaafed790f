/** What is measured between users of a carrier in a province and a site. */
export interface Quality {
  /** Round trip, without loss. */
  readonly rttMs: number;
  /** Of round trips, those that lose a packet, 0..1. */
  readonly loss: number;
}

/** Of pairs of which nothing was measured: worse than most, so that a site that is known to be good is preferred. */
export const UNKNOWN: Quality = { rttMs: 200, loss: 0.05 };

/** After so long a sender tries again (RFC 6298: a second before anything is known, and never less than a round trip). */
const RETRY_MS = 1_000;
/** More loss is not told apart: nothing gets through either way. */
const MOST_LOSS = 0.99;

/**
 * Milliseconds until a message and its answer have got through, in the mean. A try that is lost costs the wait for the next one; with
 * loss p there are p / (1 - p) of them before the one that succeeds:
 *
 *     cost = rtt + p / (1 - p) * max(1 s, rtt)
 *
 * So 1 % of loss counts as 10 ms of distance, 20 % as 250 ms, 40 % as 667 ms.
 */
export function costOf({ rttMs, loss }: Quality): number {
  const p = Math.min(loss, MOST_LOSS);
  return rttMs + (p / (1 - p)) * Math.max(RETRY_MS, rttMs);
}
