/** What is known of the way from a kind of users to a site. */
export interface Path {
  readonly carrier: string;
  readonly province: string;
  readonly site: string;
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
  /** Further paths are not taken up: whoever reports could name ever new ones. */
  readonly pathsMax: number;
}

interface Sums {
  readonly path: Path;
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

/** Below this weight a path is forgotten. */
const NOTHING = 0.01;

/** Round trips and losses by path, with decay. Times are ms of any clock that never goes back. */
export class Quality {
  readonly #options: QualityOptions;
  readonly #sums = new Map<string, Sums>();
  /** When there are too many again, the next time to look which are forgotten: each new one would have it done. */
  #lookAt = -Infinity;

  constructor(options: QualityOptions) {
    this.#options = options;
  }

  /** Whether it was taken up. */
  add(path: Path, { rttMs, sent, lost }: QualityReport, now: number): boolean {
    const sums = this.#sumsOf(path, now);
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

  figures(now: number): QualityFigure[] {
    this.#forget(now);
    return [...this.#sums.values()].map((sums) => {
      const { path, sent, lost, back, rttMs } = sums;
      const enough = sent >= this.#options.minSamples;
      return {
        ...path,
        samples: sent,
        rttMs: enough && back > 0 ? rttMs / back : null,
        rttVariance: enough ? varianceOf(sums) : null,
        loss: enough ? lost / sent : null,
      };
    });
  }

  #sumsOf(path: Path, now: number): Sums | null {
    const key = `${path.carrier}\n${path.province}\n${path.site}`;
    const known = this.#sums.get(key);
    if (known !== undefined) return known;
    const { pathsMax, halfLifeMs } = this.#options;
    if (this.#sums.size >= pathsMax && now >= this.#lookAt) {
      this.#lookAt = now + halfLifeMs;
      this.#forget(now);
    }
    if (this.#sums.size >= pathsMax) return null;
    const { carrier, province, site } = path;
    const sums = {
      path: { carrier, province, site },
      at: now,
      sent: 0,
      lost: 0,
      back: 0,
      rttMs: 0,
      rttSquared: 0,
      reports: 0,
    };
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
