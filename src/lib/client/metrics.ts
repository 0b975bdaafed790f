import { build, type Histogram } from "hdr-histogram-js";
import type { Nearness } from "../routing/readers.js";

export interface Latency {
  readonly count: number;
  /** Milliseconds, all retries included. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface ClientMetrics {
  readonly reads: Latency & {
    readonly failed: number;
    /** Who answered: a copy in the client's set, else in its region, else elsewhere. */
    readonly sameSet: number;
    readonly sameRegion: number;
    readonly elsewhere: number;
    /** Share of the reads answered in the client's own set or region, 0..1; 0 without reads. */
    readonly nearShare: number;
  };
  readonly writes: Latency & { readonly failed: number; readonly unknown: number };
  /** Answers that named another node. */
  readonly redirects: number;
  /** Writes that met a fence and waited, and the longest time from its first "moving" to its answer. */
  readonly fences: { readonly waited: number; readonly longestMs: number };
  /** Requests sent again for any other reason. */
  readonly retries: number;
  readonly inFlight: number;
  readonly queued: number;
  /** Version of the route table of each keyspace. */
  readonly routes: Readonly<Record<string, number>>;
}

const HISTOGRAM = {
  bitBucketSize: 32,
  lowestDiscernibleValue: 1,
  highestTrackableValue: 60_000_000,
  numberOfSignificantValueDigits: 3,
} as const;

/** Counts since the client was made. Latencies are kept in microseconds. */
export class Metrics {
  readonly #reads: Histogram = build(HISTOGRAM);
  readonly #writes: Histogram = build(HISTOGRAM);
  readonly near: Record<Nearness, number> = { set: 0, region: 0, elsewhere: 0 };
  readsFailed = 0;
  writesFailed = 0;
  writesUnknown = 0;
  redirects = 0;
  retries = 0;
  fencesWaited = 0;
  fenceLongestMs = 0;

  read(ms: number, near: Nearness, count = 1): void {
    this.near[near] += count;
    this.#reads.recordValueWithCount(micros(ms), count);
  }

  wrote(ms: number, count = 1): void {
    this.#writes.recordValueWithCount(micros(ms), count);
  }

  fenced(ms: number, count = 1): void {
    this.fencesWaited += count;
    this.fenceLongestMs = Math.max(this.fenceLongestMs, ms);
  }

  snapshot(now: Pick<ClientMetrics, "inFlight" | "queued" | "routes">): ClientMetrics {
    const { set, region, elsewhere } = this.near;
    const all = set + region + elsewhere;
    return {
      reads: {
        ...latency(this.#reads),
        failed: this.readsFailed,
        sameSet: set,
        sameRegion: region,
        elsewhere,
        nearShare: all === 0 ? 0 : (set + region) / all,
      },
      writes: { ...latency(this.#writes), failed: this.writesFailed, unknown: this.writesUnknown },
      redirects: this.redirects,
      fences: { waited: this.fencesWaited, longestMs: this.fenceLongestMs },
      retries: this.retries,
      ...now,
    };
  }
}

function micros(ms: number): number {
  return Math.min(60_000_000, Math.max(1, Math.round(ms * 1_000)));
}

function latency(histogram: Histogram): Latency {
  const count = histogram.totalCount;
  const at = (percentile: number): number =>
    count === 0 ? 0 : histogram.getValueAtPercentile(percentile) / 1_000;
  return {
    count,
    p50Ms: at(50),
    p99Ms: at(99),
    maxMs: count === 0 ? 0 : histogram.maxValue / 1_000,
  };
}
