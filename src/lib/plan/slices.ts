import type { Segment } from "../keyspace/segment.js";

const PARTS_PER_BILLION = 1_000_000_000n;
/** A bound of a slice moves to the end of a segment that is this close, as a part of the whole: what is cut stays cut. */
const CLOSE = 20n;

/** What is taken over at once. Never empty. */
export type Slice = readonly Segment[];

/** A segment serves as a canary when it is up to so many times as wide, or as narrow, as asked for. */
const ALIKE = 2n;

/**
 * How the writes of a move go over, taking its sorted segments for one row of positions: first a canary of `canary` (0..1) of
 * them, at least one (none when `canary` is 0 or it would be everything), then the rest in at most `parts` slices of equal
 * width, in order. Of many small segments the slices are whole ones, and so only about that wide; the canary is then one that
 * is about as wide as asked for.
 */
export function slicesOf(
  segments: readonly Segment[],
  canary: number,
  parts: number,
): { readonly canary: Slice | null; readonly rest: readonly Slice[] } {
  const first = canaryOf(segments, canary);
  const row = first === null ? segments : segments.flatMap((segment) => without(segment, first));
  const ends = endsOf(row);
  const width = ends.at(-1)!;
  const count = width < BigInt(parts) ? width : BigInt(parts);
  const inner = Array.from({ length: Number(count) - 1 }, (_, i) =>
    rounded((width * BigInt(i + 1)) / count, ends),
  );
  const bounds = [...new Set([0n, ...inner, width])];
  return { canary: first, rest: bounds.slice(1).map((to, i) => stretch(row, bounds[i]!, to)) };
}

/** A whole segment of about the share, else the first positions; null where there would be none, or nothing left. */
function canaryOf(segments: readonly Segment[], canary: number): Slice | null {
  const ends = endsOf(segments);
  const width = ends.at(-1)!;
  const share = (width * BigInt(Math.round(canary * 1e9))) / PARTS_PER_BILLION;
  const wanted = share > 0n ? share : 1n;
  if (canary <= 0 || wanted >= width) return null;
  const off = ({ lo, hi }: Segment) => distance(hi - lo, wanted);
  const alike = segments.filter(({ lo, hi }) => {
    const own = hi - lo;
    return own < width && own <= wanted * ALIKE && own * ALIKE >= wanted;
  });
  if (alike.length > 0) return [alike.reduce((a, b) => (off(b) < off(a) ? b : a))];
  const end = rounded(wanted, ends);
  return stretch(segments, 0n, end < width && distance(end, wanted) <= wanted ? end : wanted);
}

/** What is left of a segment when a canary of the same row is taken out: all of it, its end, or nothing. */
function without({ lo, hi }: Segment, canary: Slice): Segment[] {
  const taken = canary.find((part) => part.lo === lo);
  if (!taken) return [{ lo, hi }];
  return taken.hi < hi ? [{ lo: taken.hi, hi }] : [];
}

function distance(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a;
}

/** Where each segment ends in the row. */
function endsOf(segments: readonly Segment[]): bigint[] {
  let passed = 0n;
  return segments.map(({ lo, hi }) => (passed += hi - lo));
}

/** The end of a segment that is closest to `at`, when it is close. */
function rounded(at: bigint, ends: readonly bigint[]): bigint {
  const nearest = ends.reduce((a, b) => (distance(b, at) < distance(a, at) ? b : a));
  return distance(nearest, at) * CLOSE <= ends.at(-1)! ? nearest : at;
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
