import type { Segment } from "../../keyspace/segment.js";

/** After so long without more of them, accesses count for 1/e. */
const FADE_MS = 300_000;
/** Counters of one keyspace: at most about 2 MB. */
const MOST = 16_384;
/** A counter that is worth less than this many accesses is forgotten when room is needed. */
const FADED = 0.01;
/** Keys of counters stay whole numbers of a double. */
const KEY_BITS = 52n;

/** Accesses of a segment in equal-width parts. */
export interface Accesses {
  /** Accesses a second. */
  readonly ops: Float64Array;
  /** Bytes of keys and values a second, read and written. */
  readonly traffic: Float64Array;
}

/**
 * Where in each keyspace this node serves accesses: a grid of fading counters that lies over the positions, not over the holdings,
 * so a split or a takeover changes nothing. Its step is a power of two, and doubles when there would be too many counters.
 */
export class AccessMap {
  readonly #grids = new Map<string, Grid>();
  readonly #since: number;

  /** `now`: milliseconds of a clock that never goes back; the same for all methods. */
  constructor(now: number) {
    this.#since = now;
  }

  record(keyspace: string, position: bigint, bytes: number, now: number): void {
    let grid = this.#grids.get(keyspace);
    if (grid === undefined) this.#grids.set(keyspace, (grid = new Grid(now)));
    grid.record(position, bytes, now);
  }

  /** Rates in `count` equal widths of the segment. Within a counter accesses are taken to be spread evenly. */
  rates(keyspace: string, segment: Segment, count: number, now: number): Accesses {
    const accesses = { ops: new Float64Array(count), traffic: new Float64Array(count) };
    // A counter that runs for a short time only has not had the time to fill up.
    const filled = 1 - Math.exp(-Math.max(now - this.#since, 1_000) / FADE_MS);
    const perSecond = 1_000 / (FADE_MS * filled);
    this.#grids.get(keyspace)?.addTo(accesses, segment, perSecond, now);
    return accesses;
  }

  /** For how long accesses have been counted, seconds. */
  seconds(now: number): number {
    return (now - this.#since) / 1_000;
  }
}

interface Counter {
  ops: number;
  traffic: number;
}

/** Newer accesses weigh more, instead of older ones less: nothing has to be touched as time goes by. */
class Grid {
  #shift = 0n;
  #counters = new Map<number, Counter>();
  #epoch: number;
  #weight = 1;
  #weightAt: number;

  constructor(now: number) {
    this.#epoch = now;
    this.#weightAt = now;
  }

  record(position: bigint, bytes: number, now: number): void {
    const weight = this.#weightNow(now);
    if ((position >> this.#shift) >> KEY_BITS !== 0n) this.#widen(() => this.#fits(position));
    let key = Number(position >> this.#shift);
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      if (this.#counters.size >= MOST) {
        this.#forget(weight);
        if (this.#counters.size > MOST / 2) this.#widen(() => this.#counters.size <= MOST / 2);
        key = Number(position >> this.#shift);
      }
      counter = this.#counters.get(key) ?? { ops: 0, traffic: 0 };
      this.#counters.set(key, counter);
    }
    counter.ops += weight;
    counter.traffic += weight * bytes;
  }

  addTo({ ops, traffic }: Accesses, { lo, hi }: Segment, perSecond: number, now: number): void {
    const perCount = perSecond / this.#weightNow(now);
    const step = 1n << this.#shift;
    const perPosition = ops.length / Number(hi - lo);
    for (const [key, counter] of this.#counters) {
      const start = BigInt(key) << this.#shift;
      if (start >= hi || start + step <= lo) continue;
      const from = Number(start - lo) * perPosition;
      const width = Number(step) * perPosition;
      const to = Math.min(from + width, ops.length);
      for (let i = Math.max(0, Math.floor(from)); i < to; i += 1) {
        const share = (Math.min(i + 1, from + width) - Math.max(i, from)) / width;
        ops[i]! += counter.ops * perCount * share;
        traffic[i]! += counter.traffic * perCount * share;
      }
    }
  }

  #fits(position: bigint): boolean {
    return (position >> this.#shift) >> KEY_BITS === 0n;
  }

  /** Good enough for a tenth of a second. */
  #weightNow(now: number): number {
    if (now - this.#weightAt >= 100) {
      if (now - this.#epoch > 10 * FADE_MS) this.#restart(now);
      this.#weight = Math.exp((now - this.#epoch) / FADE_MS);
      this.#weightAt = now;
    }
    return this.#weight;
  }

  /** Before the weights become too large; also finer again where few counters are left, as after a shard has moved away. */
  #restart(now: number): void {
    const fade = Math.exp((this.#epoch - now) / FADE_MS);
    for (const counter of this.#counters.values()) {
      counter.ops *= fade;
      counter.traffic *= fade;
    }
    this.#epoch = now;
    this.#forget(1);
    while (this.#shift > 0n && this.#counters.size > 0 && this.#counters.size <= MOST / 4) {
      const widest = Math.max(...this.#counters.keys());
      if (BigInt(widest) * 2n + 1n >= 1n << KEY_BITS) break;
      this.#narrow();
    }
  }

  #forget(weight: number): void {
    for (const [key, counter] of this.#counters) {
      if (counter.ops < FADED * weight) this.#counters.delete(key);
    }
  }

  #widen(enough: () => boolean): void {
    while (!enough()) {
      this.#shift += 1n;
      const wider = new Map<number, Counter>();
      for (const [key, counter] of this.#counters) {
        const half = wider.get(Math.floor(key / 2));
        if (half === undefined) wider.set(Math.floor(key / 2), counter);
        else {
          half.ops += counter.ops;
          half.traffic += counter.traffic;
        }
      }
      this.#counters = wider;
    }
  }

  #narrow(): void {
    this.#shift -= 1n;
    const narrower = new Map<number, Counter>();
    for (const [key, { ops, traffic }] of this.#counters) {
      narrower.set(2 * key, { ops: ops / 2, traffic: traffic / 2 });
      narrower.set(2 * key + 1, { ops: ops / 2, traffic: traffic / 2 });
    }
    this.#counters = narrower;
  }
}
