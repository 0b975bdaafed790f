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
}

/** Below this weight a path is forgotten. */
const NOTHING = 0.01;

/** Round trips and losses by path, with decay. Times are ms of any clock that never goes back. */
export class Quality {
  readonly #options: QualityOptions;
  readonly #sums = new Map<string, Sums>();

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
    return true;
  }

  figures(now: number): QualityFigure[] {
    const figures: QualityFigure[] = [];
    for (const [key, sums] of this.#sums) {
      this.#age(sums, now);
      if (sums.sent < NOTHING) {
        this.#sums.delete(key);
        continue;
      }
      const enough = sums.sent >= this.#options.minSamples;
      figures.push({
        ...sums.path,
        samples: sums.sent,
        rttMs: enough && sums.back > 0 ? sums.rttMs / sums.back : null,
        loss: enough ? sums.lost / sums.sent : null,
      });
    }
    return figures;
  }

  #sumsOf(path: Path, now: number): Sums | null {
    const key = `${path.carrier}\n${path.province}\n${path.site}`;
    const known = this.#sums.get(key);
    if (known !== undefined) return known;
    if (this.#sums.size >= this.#options.pathsMax) return null;
    const { carrier, province, site } = path;
    const sums = {
      path: { carrier, province, site },
      at: now,
      sent: 0,
      lost: 0,
      back: 0,
      rttMs: 0,
    };
    this.#sums.set(key, sums);
    return sums;
  }

  #age(sums: Sums, now: number): void {
    const kept = 0.5 ** ((now - sums.at) / this.#options.halfLifeMs);
    sums.sent *= kept;
    sums.lost *= kept;
    sums.back *= kept;
    sums.rttMs *= kept;
    sums.at = now;
  }
}
