import type { Segment } from "../keyspace/segment.js";

const PARTS_PER_BILLION = 1_000_000_000n;

/** What is taken over at once. Never empty. */
export type Slice = readonly Segment[];

/**
 * How the writes of a move go over, taking its sorted segments for one row of positions: first a canary of `canary` (0..1) of
 * them, at least one (none when `canary` is 0 or it would be everything), then the rest in at most `parts` slices of equal
 * width. In order, without gaps.
 */
export function slicesOf(
  segments: readonly Segment[],
  canary: number,
  parts: number,
): { readonly canary: Slice | null; readonly rest: readonly Slice[] } {
  const width = segments.reduce((sum, { lo, hi }) => sum + (hi - lo), 0n);
  const share = (width * BigInt(Math.round(canary * 1e9))) / PARTS_PER_BILLION;
  const first = share > 0n ? share : 1n;
  const alone = canary <= 0 || first >= width;
  const start = alone ? 0n : first;
  const left = width - start;
  const count = left < BigInt(parts) ? left : BigInt(parts);
  const rest = Array.from({ length: Number(count) }, (_, i) => {
    const [from, to] = [BigInt(i), BigInt(i) + 1n];
    return stretch(segments, start + (left * from) / count, start + (left * to) / count);
  });
  return { canary: alone ? null : stretch(segments, 0n, start), rest };
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
