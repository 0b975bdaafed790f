import type { Histogram } from "hdr-histogram-js";
// Not by the package's index: that also loads its WebAssembly and its compression, which takes 25 ms.
import int32 from "hdr-histogram-js/dist/Int32Histogram.js";

const SECONDS_KEPT = 300;
/** Latencies are recorded in units of 10 microseconds, up to 10 s, with two digits. */
const PER_MS = 100;
const HIGHEST = 10_000 * PER_MS;

export type AccessKind = "reads" | "writes";

interface Slot {
  readonly second: number;
  errors: number;
  readonly latencies: Histogram;
}

export interface AccessSummary {
  readonly count: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Counts and latencies of the data accesses of the last five minutes, second by second, for each keyspace. */
export class AccessStats {
  readonly #slots = new Map<string, Slot[]>();

  /** `error`: the node failed the access; a redirect or a fence is none. */
  record(keyspace: string, kind: AccessKind, ms: number, error: boolean, count = 1): void {
    const second = Math.floor(performance.now() / 1000);
    const key = `${keyspace}/${kind}`;
    let slots = this.#slots.get(key);
    if (slots === undefined) this.#slots.set(key, (slots = []));
    let slot = slots.at(-1);
    if (slot?.second !== second) {
      slot = { second, errors: 0, latencies: newHistogram() };
      slots.push(slot);
      while (slots[0]!.second < second - SECONDS_KEPT) slots.shift();
    }
    if (error) slot.errors += count;
    slot.latencies.recordValueWithCount(
      Math.min(HIGHEST, Math.max(1, Math.round(ms * PER_MS))),
      count,
    );
  }

  /** Of one keyspace, or of all for null. */
  summary(keyspace: string | null, kind: AccessKind, seconds: number): AccessSummary {
    const from = Math.floor(performance.now() / 1000) - seconds;
    const all = newHistogram();
    let errors = 0;
    for (const [key, slots] of this.#slots) {
      const [of, ofKind] = key.split("/");
      if (ofKind !== kind || (keyspace !== null && of !== keyspace)) continue;
      for (const slot of slots) {
        if (slot.second < from) continue;
        errors += slot.errors;
        all.add(slot.latencies);
      }
    }
    return {
      count: all.totalCount,
      errors,
      p50Ms: all.totalCount === 0 ? 0 : all.getValueAtPercentile(50) / PER_MS,
      p99Ms: all.totalCount === 0 ? 0 : all.getValueAtPercentile(99) / PER_MS,
    };
  }
}

function newHistogram(): Histogram {
  return new int32.default(1, HIGHEST, 2);
}
