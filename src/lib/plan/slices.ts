import type { Segment } from "../keyspace/segment.js";

const PARTS_PER_BILLION = 1_000_000_000n;
/** A bound of a slice moves to the end of a segment that is this close, as a part of the whole: what is cut stays cut. */
const CLOSE = 20n;

/** What is taken over at once. Never empty. */
export type Slice = readonly Segment[];

/**
 * How the writes of a move go over, taking its sorted segments for one row of positions: first a canary of `canary` (0..1) of
 * them, at least one (none when `canary` is 0 or it would be everything), then the rest in at most `parts` slices of equal
 * width. In order, without gaps. Of many small segments the slices are whole ones, and so only about that wide.
 */
export function slicesOf(
  segments: readonly Segment[],
  canary: number,
  parts: number,
): { readonly canary: Slice | null; readonly rest: readonly Slice[] } {
  const ends = endsOf(segments);
  const width = ends.at(-1)!;
  const share = (width * BigInt(Math.round(canary * 1e9))) / PARTS_PER_BILLION;
  const first = rounded(share > 0n ? share : 1n, ends);
  const alone = canary <= 0 || first >= width;
  const start = alone ? 0n : first;
  const left = width - start;
  const count = left < BigInt(parts) ? left : BigInt(parts);
  const inner = Array.from({ length: Number(count) - 1 }, (_, i) =>
    rounded(start + (left * BigInt(i + 1)) / count, ends),
  );
  const bounds = [...new Set([start, ...inner, width])];
  const rest = bounds.slice(1).map((to, i) => stretch(segments, bounds[i]!, to));
  return { canary: alone ? null : stretch(segments, 0n, start), rest };
}

/** Where each segment ends in the row. */
function endsOf(segments: readonly Segment[]): bigint[] {
  let passed = 0n;
  return segments.map(({ lo, hi }) => (passed += hi - lo));
}

/** The end of a segment that is closest to `at`, when it is close. */
function rounded(at: bigint, ends: readonly bigint[]): bigint {
  const distance = (end: bigint) => (end > at ? end - at : at - end);
  const nearest = ends.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  return distance(nearest) * CLOSE <= ends.at(-1)! ? nearest : at;
}

/** The segments' positions from the `from`-th up to the `to`-th, which is left out. */
function stretch(segments: readonly Segment[], from: bigint, to: bigint): Segment[] {
  const out: Segment[] = [];
  let passed = 0n;
  for (const { lo, hi } of segments) {
    const start = from > passed ? lo + (from - passed) : lo;
    passed += hi - lo;
    const end = to < passed ? hi - (passed - to) : hi;
    if (start < end) out.push({ lo: start, hi: end });
  }
  return out;
}
