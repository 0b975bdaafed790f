import { EXIT, OpsError } from "../errors.js";
import { compare, intersect, sortSegments, subtract } from "../keyspace/map.js";
import type { Position, Segment } from "../keyspace/segment.js";
import { compareText } from "./order.js";
import type { Histogram } from "./observed.js";

/** A shard and what it owns. */
export interface ShardSegments {
  readonly id: string;
  /** Sorted. */
  readonly segments: readonly Segment[];
}

/** The upper half of one shard's load goes to a new shard. */
export interface Split {
  readonly from: string;
  readonly to: string;
  /** The first position that moves. */
  readonly at: Position;
  readonly moved: readonly Segment[];
  /** Load of `from` before, and the part that goes to `to`, in `measure`. */
  readonly load: bigint;
  readonly movedLoad: bigint;
  readonly measure: Measure;
}

/** What a shard's load is counted in: bytes, else rows where no bytes are known, else positions where there are no rows. */
export type Measure = "bytes" | "rows" | "positions";

export interface Halved {
  readonly shards: readonly ShardSegments[];
  readonly splits: readonly Split[];
}

/**
 * Gives every new shard the upper half, by load, of the fullest shard there is by then. Throws OpsError `expand/too-small`
 * (exit 3) when that one has a single position left. Buckets may come in any order but must not overlap.
 */
export function halve(
  shards: readonly ShardSegments[],
  buckets: Histogram,
  added: readonly string[],
): Halved {
  const histogram = sortSegments(buckets);
  const measure = measureOf(histogram);
  const now = new Map(shards.map(({ id, segments }) => [id, sortSegments(segments)]));
  const splits = added.map((to): Split => {
    const from = fullest(now, histogram, measure);
    const segments = now.get(from) ?? [];
    const load = loadOf(segments, histogram, measure);
    const at = middle(segments, histogram, measure, load);
    const moved = segments.flatMap(({ lo, hi }) =>
      hi > at ? [{ lo: lo > at ? lo : at, hi }] : [],
    );
    now.set(from, subtract(segments, moved));
    now.set(to, moved);
    return { from, to, at, moved, load, movedLoad: loadOf(moved, histogram, measure), measure };
  });
  return { shards: [...now].map(([id, segments]) => ({ id, segments })), splits };
}

function measureOf(histogram: Histogram): Measure {
  if (histogram.some((bucket) => bucket.bytes > 0n)) return "bytes";
  return histogram.some((bucket) => bucket.rows > 0n) ? "rows" : "positions";
}

function fullest(
  shards: ReadonlyMap<string, Segment[]>,
  histogram: Histogram,
  measure: Measure,
): string {
  const widest = [...shards].map(([id, segments]) => ({
    id,
    load: loadOf(segments, histogram, measure),
    width: loadOf(segments, [], "positions"),
  }));
  const [first] = widest.toSorted(
    (a, b) => compare(b.load, a.load) || compare(b.width, a.width) || compareText(a.id, b.id),
  );
  if (!first || first.width < 2n) {
    throw new OpsError(
      "expand/too-small",
      EXIT.refused,
      `Shard ${first?.id ?? "?"}, the fullest, cannot be halved: it has one position`,
      {
        hint: "All its load is one user's. Split another shard by hand in the topology.",
      },
    );
  }
  return first.id;
}

/** The first position of the upper half: at least one position stays below it and one above. */
function middle(
  segments: readonly Segment[],
  histogram: Histogram,
  measure: Measure,
  load: bigint,
): Position {
  const inner = (at: Position) => (at <= segments[0]!.lo ? segments[0]!.lo + 1n : at);
  const last = segments.at(-1)!.hi - 1n;
  if (load === 0n)
    return inner(middle(segments, [], "positions", loadOf(segments, [], "positions")));
  let below = 0n;
  for (const { lo, hi, value } of density(segments, histogram, measure)) {
    if (2n * (below + value) >= load) {
      const at = lo + ((load / 2n - below) * (hi - lo)) / value;
      return inner(at < last ? at : last);
    }
    below += value;
  }
  return inner(last);
}

function loadOf(segments: readonly Segment[], histogram: Histogram, measure: Measure): bigint {
  return density(segments, histogram, measure).reduce((sum, part) => sum + part.value, 0n);
}

/** The parts of the segments that carry load, sorted, each with its load; within a bucket it is taken to be even. */
function density(
  segments: readonly Segment[],
  histogram: Histogram,
  measure: Measure,
): { readonly lo: Position; readonly hi: Position; readonly value: bigint }[] {
  if (measure === "positions") return segments.map(({ lo, hi }) => ({ lo, hi, value: hi - lo }));
  const own = segments.map(({ lo, hi }) => ({ lo, hi, value: null }));
  const buckets = histogram.map((bucket) => ({ lo: bucket.lo, hi: bucket.hi, value: bucket }));
  return intersect(own, buckets)
    .map(({ lo, hi, value: [, bucket] }) => ({
      lo,
      hi,
      value: (bucket[measure] * (hi - lo)) / (bucket.hi - bucket.lo),
    }))
    .filter((part) => part.value > 0n);
}
