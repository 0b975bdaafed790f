/** What is known of the way from a kind of users to a site. */
export interface Path {
  readonly carrier: string;
  readonly province: string;
  readonly site: string;
}

/** One of the ways to a site. */
export interface Way extends Path {
  /** The address of the site; null for the site as such. */
  readonly url: string | null;
}

export interface QualityReport {
  /** Mean round trip of those that came back; null when none did. */
  readonly rttMs: number | null;
  readonly sent: number;
  readonly lost: number;
}

export interface QualityFigure extends Path {
  /** Heartbeats that the figures rest on, the older the less each counts. */
  readonly samples: number;
  /** Null while there are too few samples. */
  readonly rttMs: number | null;
  /** Of the round trip of one sample, ms^2: how far they lie apart. Null while there are too few samples, or reports. */
  readonly rttVariance: number | null;
  /** Share, 0..1. */
  readonly loss: number | null;
}

export interface QualityOptions {
  /** After so long a sample counts half. */
  readonly halfLifeMs: number;
  readonly minSamples: number;
  /** Further ways are not taken up: whoever reports could name ever new ones. */
  readonly waysMax: number;
}

/** What was seen of the way to one address of a site. */
export interface AddressFigure {
  readonly url: string;
  readonly samples: number;
  /** Null while there are too few samples. */
  readonly loss: number | null;
}

interface Sums {
  readonly way: Way;
  at: number;
  sent: number;
  lost: number;
  /** Of those that came back, and their round trips. */
  back: number;
  rttMs: number;
  /** Of the mean round trip of each report, its square as often as samples came back; and how many such reports there were. */
  rttSquared: number;
  reports: number;
}

/** Fewer reports, decayed, do not say how far round trips lie apart. */
const LEAST_REPORTS = 2;

/** Below this weight a way is forgotten. */
const NOTHING = 0.01;

/** Round trips and losses by way, with decay. Times are ms of any clock that never goes back. */
export class Quality {
  readonly #options: QualityOptions;
  readonly #sums = new Map<string, Sums>();
  /** When there are too many again, the next time to look which are forgotten: each new one would have it done. */
  #lookAt = -Infinity;

  constructor(options: QualityOptions) {
    this.#options = options;
  }

  /** Whether it was taken up. */
  add(way: Way, { rttMs, sent, lost }: QualityReport, now: number): boolean {
    const sums = this.#sumsOf(way, now);
    if (sums === null) return false;
    this.#age(sums, now);
    const back = rttMs === null ? 0 : sent - lost;
    sums.sent += sent;
    sums.lost += lost;
    sums.back += back;
    sums.rttMs += back * (rttMs ?? 0);
    sums.rttSquared += back * (rttMs ?? 0) ** 2;
    sums.reports += back > 0 ? 1 : 0;
    return true;
  }

  /** By path, all addresses of a site together. */
  figures(now: number): QualityFigure[] {
    return this.#together(now, pathKey).map((sums) => {
      const { way, sent, lost, back, rttMs } = sums;
      const { carrier, province, site } = way;
      const enough = sent >= this.#options.minSamples;
      return {
        carrier,
        province,
        site,
        samples: sent,
        rttMs: enough && back > 0 ? rttMs / back : null,
        rttVariance: enough ? varianceOf(sums) : null,
        loss: enough ? lost / sent : null,
      };
    });
  }

  /** By address, all paths that are meant together. */
  addresses(isMeant: (path: Path) => boolean, now: number): AddressFigure[] {
    const all = this.#together(now, ({ url, ...path }) => (isMeant(path) ? url : null));
    return all.map(({ way: { url }, sent, lost }) => ({
      url: url!,
      samples: sent,
      loss: sent >= this.#options.minSamples ? lost / sent : null,
    }));
  }

  /** Forgets what was seen of the others. */
  keep(isKept: (way: Way) => boolean): void {
    for (const [key, { way }] of this.#sums) if (!isKept(way)) this.#sums.delete(key);
  }

  /** Sums of the ways that have the same name; those without one are left out. */
  #together(now: number, nameOf: (way: Way) => string | null): Sums[] {
    this.#forget(now);
    const all = new Map<string, Sums>();
    for (const sums of this.#sums.values()) {
      const name = nameOf(sums.way);
      if (name === null) continue;
      const known = all.get(name);
      if (known === undefined) {
        all.set(name, { ...sums });
        continue;
      }
      known.sent += sums.sent;
      known.lost += sums.lost;
      known.back += sums.back;
      known.rttMs += sums.rttMs;
      known.rttSquared += sums.rttSquared;
      known.reports += sums.reports;
    }
    return [...all.values()];
  }

  #sumsOf({ carrier, province, site, url }: Way, now: number): Sums | null {
    const way = { carrier, province, site, url };
    const key = `${pathKey(way)}\n${url ?? ""}`;
    const known = this.#sums.get(key);
    if (known !== undefined) return known;
    const { waysMax, halfLifeMs } = this.#options;
    if (this.#sums.size >= waysMax && now >= this.#lookAt) {
      this.#lookAt = now + halfLifeMs;
      this.#forget(now);
    }
    if (this.#sums.size >= waysMax) return null;
    const nothing = { sent: 0, lost: 0, back: 0, rttMs: 0, rttSquared: 0, reports: 0 };
    const sums = { way, at: now, ...nothing };
    this.#sums.set(key, sums);
    return sums;
  }

  #forget(now: number): void {
    for (const [key, sums] of this.#sums) {
      this.#age(sums, now);
      if (sums.sent < NOTHING) this.#sums.delete(key);
    }
  }

  #age(sums: Sums, now: number): void {
    const kept = 0.5 ** ((now - sums.at) / this.#options.halfLifeMs);
    sums.sent *= kept;
    sums.lost *= kept;
    sums.back *= kept;
    sums.rttMs *= kept;
    sums.rttSquared *= kept;
    sums.reports *= kept;
    sums.at = now;
  }
}

function pathKey({ carrier, province, site }: Path): string {
  return `${carrier}\n${province}\n${site}`;
}

/**
 * A report says the mean of its m samples only, which lies about the true one by v / m: so with B reports of all n samples
 *
 *     v = sum m (mean of the report - mean of all)^2 / (B - 1)
 *
 * is the variance of one sample, also where reports are of many; for heartbeats, each of which is a report, the usual one.
 */
function varianceOf({ back, rttMs, rttSquared, reports }: Sums): number | null {
  if (reports < LEAST_REPORTS) return null;
  // A difference of sums may be a digit below nothing.
  return Math.max(0, rttSquared - rttMs ** 2 / back) / (reports - 1);
}
