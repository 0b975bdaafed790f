/** The share that the past keeps in a smoothed figure. */
const OLD_SHARE = 0.8;

/** What a takeover's pause is predicted from; smoothed, ms. 1 before anything was measured. */
export class Timings {
  #flush = 1;
  readonly #roundTrips = new Map<string, number>();

  /** One durable commit of a few changes. */
  get flushMs(): number {
    return this.#flush;
  }

  flushed(ms: number): void {
    this.#flush = this.#flush * OLD_SHARE + ms * (1 - OLD_SHARE);
  }

  /** A request to that peer and back. */
  roundTripMs(url: string): number {
    return this.#roundTrips.get(url) ?? 1;
  }

  answered(url: string, ms: number): void {
    this.#roundTrips.set(url, this.roundTripMs(url) * OLD_SHARE + ms * (1 - OLD_SHARE));
  }
}
