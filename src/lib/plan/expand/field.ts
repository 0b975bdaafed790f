import { overlapOf, sortSegments, touching, union } from "../../keyspace/map.js";
import type { Position, Segment } from "../../keyspace/segment.js";
import { MEMORY, NETWORK, OPS, type Vector } from "./vector.js";

/** The load of a segment, as an agent measured it, in buckets of equal width (to a position). */
export interface Measured extends Segment {
  readonly bytes: Float64Array;
  /** Accesses a second. */
  readonly ops: Float64Array;
  /** Bytes a second that they carry. */
  readonly traffic: Float64Array;
}

/** A shard that there is. */
export interface Standing {
  readonly id: string;
  readonly segments: readonly Segment[];
  readonly capacity: Vector;
}

/** Cells without a gap, which are buckets of one measurement. */
interface Strip extends Segment {
  /** The first of its cells, and the bucket that it lies in. */
  readonly cell: number;
  readonly bucket: bigint;
  readonly buckets: Buckets;
}

/** Equal widths, rounded down. */
interface Buckets {
  readonly start: Position;
  readonly width: bigint;
  readonly count: bigint;
}

function boundOf({ start, width, count }: Buckets, bucket: bigint): Position {
  return start + (width * bucket) / count;
}

function bucketAt(buckets: Buckets, position: Position): bigint {
  const bucket = ((position - buckets.start) * buckets.count) / buckets.width;
  // Bounds are rounded down, so it may be the next one.
  return boundOf(buckets, bucket + 1n) <= position ? bucket + 1n : bucket;
}

/** A maximal segment of a shard: no neighbour of it is the shard's too. */
export interface Stretch extends Segment {
  /** Its cells are `[from, to)`. */
  readonly from: number;
  readonly to: number;
}

/** The load of a standing shard in cells in order of position. Within a cell it is even. */
export class Field {
  readonly shard: Standing;
  readonly stretches: readonly Stretch[];
  /** Of each resource, by cell. */
  readonly loads: readonly [Float64Array, Float64Array, Float64Array];
  readonly total: Vector;
  readonly #strips: readonly Strip[];

  constructor(
    shard: Standing,
    strips: readonly Strip[],
    stretches: readonly Stretch[],
    loads: readonly [Float64Array, Float64Array, Float64Array],
  ) {
    this.shard = shard;
    this.stretches = stretches;
    this.loads = loads;
    this.total = [total(loads[MEMORY]), total(loads[OPS]), total(loads[NETWORK])];
    this.#strips = strips;
  }

  get cells(): number {
    return this.loads[MEMORY].length;
  }

  /** The bounds of a cell. */
  cell(index: number): Segment {
    const strip = this.#stripOf((one) => one.cell <= index);
    const bucket = strip.bucket + BigInt(index - strip.cell);
    const { buckets } = strip;
    return overlapOf(strip, { lo: boundOf(buckets, bucket), hi: boundOf(buckets, bucket + 1n) })!;
  }

  /** The demand of a part of the shard, which lies in one of its stretches. */
  demand(part: Segment): Vector {
    const first = this.cellAt(part.lo);
    const last = this.cellAt(part.hi - 1n);
    const shareOf = (index: number): number => {
      const cell = this.cell(index);
      const shared = overlapOf(cell, part)!;
      return ratio(shared.hi - shared.lo, cell.hi - cell.lo);
    };
    const [atFirst, atLast] = [shareOf(first), shareOf(last)];
    const of = (load: Float64Array): number => {
      if (first === last) return load[first]! * atFirst;
      let inner = 0;
      for (let i = first + 1; i < last; i += 1) inner += load[i]!;
      return load[first]! * atFirst + inner + load[last]! * atLast;
    };
    return [of(this.loads[MEMORY]), of(this.loads[OPS]), of(this.loads[NETWORK])];
  }

  cellAt(position: Position): number {
    const strip = this.#stripOf((one) => one.lo <= position);
    return strip.cell + Number(bucketAt(strip.buckets, position) - strip.bucket);
  }

  #stripOf(begins: (strip: Strip) => boolean): Strip {
    let from = 0;
    let to = this.#strips.length - 1;
    while (from < to) {
      const middle = (from + to + 1) >>> 1;
      if (begins(this.#strips[middle]!)) from = middle;
      else to = middle - 1;
    }
    return this.#strips[from]!;
  }
}

function ratio(part: bigint, whole: bigint): number {
  return Number(part) / Number(whole);
}

/** Lays the measurements, which must not overlap, on the shards. What nobody measured holds nothing. */
export function fieldsOf(shards: readonly Standing[], measured: readonly Measured[]): Field[] {
  const sorted = sortSegments(measured);
  return shards.map((shard) => fieldOf(shard, sorted));
}

function fieldOf(shard: Standing, sorted: readonly Measured[]): Field {
  const strips: Strip[] = [];
  const sources: (Measured | null)[] = [];
  const stretches: Stretch[] = [];
  let cells = 0;
  const add = (part: Segment, of: Measured | null): void => {
    const { lo, hi } = of ?? part;
    const buckets = { start: lo, width: hi - lo, count: BigInt(of?.bytes.length ?? 1) };
    const bucket = bucketAt(buckets, part.lo);
    strips.push({ ...part, cell: cells, bucket, buckets });
    sources.push(of);
    cells += Number(bucketAt(buckets, part.hi - 1n) - bucket) + 1;
  };
  for (const segment of union(shard.segments)) {
    const from = cells;
    let at = segment.lo;
    for (const one of touching(sorted, segment)) {
      const part = overlapOf(one, segment)!;
      if (part.lo > at) add({ lo: at, hi: part.lo }, null);
      add(part, one);
      at = part.hi;
    }
    if (at < segment.hi) add({ lo: at, hi: segment.hi }, null);
    stretches.push({ ...segment, from, to: cells });
  }
  const [only] = sources;
  // A shard that was measured as it is, which is the rule, needs no copy of its figures.
  if (only && sources.length === 1 && cells === only.bytes.length && sameBounds(strips[0]!, only))
    return new Field(shard, strips, stretches, [only.bytes, only.ops, only.traffic]);
  const loads = [
    new Float64Array(cells),
    new Float64Array(cells),
    new Float64Array(cells),
  ] as const;
  for (const [i, strip] of strips.entries()) {
    const source = sources[i];
    if (!source) continue;
    const first = Number(strip.bucket);
    const end = first + (strips[i + 1]?.cell ?? cells) - strip.cell;
    for (const [into, from] of [
      [loads[MEMORY], source.bytes],
      [loads[OPS], source.ops],
      [loads[NETWORK], source.traffic],
    ] as const) {
      into.set(from.subarray(first, end), strip.cell);
    }
    clipEnds(strip, end - first, loads);
  }
  return new Field(shard, strips, stretches, loads);
}

function sameBounds(a: Segment, b: Segment): boolean {
  return a.lo === b.lo && a.hi === b.hi;
}

/** Where a strip begins or ends within a bucket, its cell has only that part of the bucket's load. */
function clipEnds(strip: Strip, cells: number, loads: readonly Float64Array[]): void {
  for (const i of cells === 1 ? [0] : [0, cells - 1]) {
    const bucket = strip.bucket + BigInt(i);
    const lo = boundOf(strip.buckets, bucket);
    const hi = boundOf(strip.buckets, bucket + 1n);
    const part = overlapOf(strip, { lo, hi })!;
    if (part.lo === lo && part.hi === hi) continue;
    for (const load of loads) load[strip.cell + i]! *= ratio(part.hi - part.lo, hi - lo);
  }
}

function total(values: Float64Array): number {
  let all = 0;
  for (let i = 0; i < values.length; i += 1) all += values[i]!;
  return all;
}
