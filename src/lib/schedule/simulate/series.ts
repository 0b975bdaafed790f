import type { SiteCount } from "./sessions.js";

export interface SiteSeries {
  /** Users online at the end of each interval, the first one at the start. */
  readonly online: readonly number[];
  /** The most logins in a second of each interval. */
  readonly logins: readonly number[];
}

/** A chart has no room for more. */
const MOST_POINTS = 600;

/** What the sites count, second by second. */
export class Series {
  readonly #online: number[][];
  readonly #logins: number[][];
  readonly #without: number[] = [];

  constructor(sites: number) {
    this.#online = Array.from({ length: sites }, () => []);
    this.#logins = Array.from({ length: sites }, () => []);
  }

  /** `without`: users who have no session now. */
  take(counts: readonly Readonly<SiteCount>[], without: number): void {
    this.#without.push(without);
    for (const [i, { online, perSecond }] of counts.entries()) {
      this.#online[i]!.push(online);
      this.#logins[i]!.push(perSecond);
    }
  }

  mostOnline(site: number): number {
    return most(this.#online[site]!);
  }

  mostLogins(site: number): number {
    return most(this.#logins[site]!);
  }

  points(): {
    readonly everySeconds: number;
    readonly without: readonly number[];
    readonly sites: readonly SiteSeries[];
  } {
    const seconds = this.#without.length - 1;
    const everySeconds = Math.max(1, Math.ceil(seconds / MOST_POINTS));
    const at = Array.from({ length: Math.ceil(seconds / everySeconds) + 1 }, (_, i) =>
      Math.min(seconds, i * everySeconds),
    );
    const sites = this.#online.map((_, site) => ({
      online: at.map((second) => Math.max(0, Math.round(this.#online[site]![second]!))),
      logins: at.map((second, i) =>
        Math.round(most(this.#logins[site]!.slice(i === 0 ? 0 : at[i - 1]! + 1, second + 1))),
      ),
    }));
    const without = at.map((second) => Math.max(0, Math.round(this.#without[second]!)));
    return { everySeconds, without, sites };
  }
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}
