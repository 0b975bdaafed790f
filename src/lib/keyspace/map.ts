import type { Position, Segment } from "./segment.js";

/** One interval of a segment map and what it maps to. */
export interface Piece<T> extends Segment {
  readonly value: T;
}

/** Sorted by `lo`, no two pieces overlap; gaps are allowed. */
export type SegmentMap<T> = readonly Piece<T>[];

export type Same<T> = (a: T, b: T) => boolean;

/** Sorted copy of segments in any order; overlaps stay as they are. */
export function sortSegments<S extends Segment>(segments: readonly S[]): S[] {
  return segments.toSorted((a, b) => compare(a.lo, b.lo) || compare(a.hi, b.hi));
}

/** The part that two segments share, or null. */
export function overlapOf(a: Segment, b: Segment): Segment | null {
  const lo = a.lo > b.lo ? a.lo : b.lo;
  const hi = a.hi < b.hi ? a.hi : b.hi;
  return lo < hi ? { lo, hi } : null;
}

/** Whether `inner` lies within `outer`. */
export function contains(outer: Segment, inner: Segment): boolean {
  return outer.lo <= inner.lo && inner.hi <= outer.hi;
}

/** The set of positions that the segments cover, as sorted segments of which no two touch. */
export function union(segments: readonly Segment[]): Segment[] {
  const out: { lo: Position; hi: Position }[] = [];
  for (const { lo, hi } of sortSegments(segments)) {
    const last = out.at(-1);
    if (last && lo <= last.hi) last.hi = hi > last.hi ? hi : last.hi;
    else out.push({ lo, hi });
  }
  return out;
}

/** What of `domain` no segment covers. */
export function gaps(segments: readonly Segment[], domain: Segment): Segment[] {
  return subtract([domain], segments);
}

/** What of `from` the segments in `take` do not cover. */
export function subtract(from: readonly Segment[], take: readonly Segment[]): Segment[] {
  return without(
    union(from).map(({ lo, hi }) => ({ lo, hi, value: null })),
    take,
  ).map(({ lo, hi }) => ({ lo, hi }));
}

/** What of a map the segments in `take` do not cover. `O(n + m log m)`. */
export function without<T>(map: SegmentMap<T>, take: readonly Segment[]): Piece<T>[] {
  const holes = union(take);
  const out: Piece<T>[] = [];
  let first = 0;
  for (const { lo, hi, value } of map) {
    while (first < holes.length && holes[first]!.hi <= lo) first += 1;
    let from = lo;
    for (let i = first; i < holes.length && holes[i]!.lo < hi; i += 1) {
      const hole = holes[i]!;
      if (hole.lo > from) out.push({ lo: from, hi: hole.lo, value });
      from = hole.hi;
    }
    if (from < hi) out.push({ lo: from, hi, value });
  }
  return out;
}

/** The positions that more than one segment covers. */
export function overlaps(segments: readonly Segment[]): Segment[] {
  const out: Segment[] = [];
  let end: Position | null = null;
  for (const { lo, hi } of sortSegments(segments)) {
    if (end !== null && lo < end) out.push({ lo, hi: hi < end ? hi : end });
    if (end === null || hi > end) end = hi;
  }
  return union(out);
}

/** The piece that holds the position, or null. `O(log n)`; the map must be sorted and without overlaps. */
export function pieceAt<S extends Segment>(map: readonly S[], position: Position): S | null {
  let from = 0;
  let to = map.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const piece = map[middle]!;
    if (position < piece.lo) to = middle;
    else if (position >= piece.hi) from = middle + 1;
    else return piece;
  }
  return null;
}

/** Joins neighbours that touch and have the same value. */
export function normalise<T>(map: readonly Piece<T>[], same: Same<T> = Object.is): Piece<T>[] {
  const out: Piece<T>[] = [];
  for (const piece of sortSegments(map)) {
    const last = out.at(-1);
    if (last && last.hi === piece.lo && same(last.value, piece.value)) {
      out[out.length - 1] = { lo: last.lo, hi: piece.hi, value: last.value };
    } else {
      out.push({ lo: piece.lo, hi: piece.hi, value: piece.value });
    }
  }
  return out;
}

/** Cuts the pieces at the given positions; positions on an edge or outside change nothing. */
export function split<T>(map: SegmentMap<T>, at: readonly Position[]): Piece<T>[] {
  const cuts = [...new Set(at)].toSorted(compare);
  const out: Piece<T>[] = [];
  for (const { lo, hi, value } of map) {
    let from = lo;
    for (const cut of cuts) {
      if (cut <= from || cut >= hi) continue;
      out.push({ lo: from, hi: cut, value });
      from = cut;
    }
    out.push({ lo: from, hi, value });
  }
  return out;
}

/** The pieces that share a position with the segment, whole. `O(log n)` and the number found; sorted, without overlaps. */
export function touching<S extends Segment>(map: readonly S[], segment: Segment): readonly S[] {
  const from = countWhere(map, (piece) => piece.hi <= segment.lo);
  if (from === map.length || map[from]!.lo >= segment.hi) return [];
  const to = countWhere(map, (piece) => piece.lo < segment.hi);
  return map.slice(from, Math.max(from, to));
}

/** The part of a map that lies within a segment. */
export function clip<T>(map: SegmentMap<T>, within: Segment): Piece<T>[] {
  return touching(map, within).flatMap((piece) => {
    const part = overlapOf(piece, within);
    return part ? [{ ...part, value: piece.value }] : [];
  });
}

/** How many pieces come before the first one of which `before` is false. */
function countWhere<S>(map: readonly S[], before: (piece: S) => boolean): number {
  let from = 0;
  let to = map.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (before(map[middle]!)) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The map with a segment's part replaced by these pieces, which lie in it; neighbours of the same value are joined there. */
export function replace<T>(
  map: SegmentMap<T>,
  segment: Segment,
  pieces: SegmentMap<T>,
  same: Same<T> = Object.is,
): Piece<T>[] {
  const from = countWhere(map, (piece) => piece.hi < segment.lo);
  const to = Math.max(
    from,
    countWhere(map, (piece) => piece.lo <= segment.hi),
  );
  const around = without(map.slice(from, to), [segment]);
  return [...map.slice(0, from), ...normalise([...around, ...pieces], same), ...map.slice(to)];
}

/** `over` laid on top of `base`: where both have a piece, that of `over` stays. */
export function overlay<T>(
  base: SegmentMap<T>,
  over: SegmentMap<T>,
  same: Same<T> = Object.is,
): Piece<T>[] {
  return normalise([...without(base, over), ...over], same);
}

/** Where both maps have a piece: the pair of their values, cut at the edges of both. `O(n + m)`. */
export function intersect<A, B>(a: SegmentMap<A>, b: SegmentMap<B>): Piece<readonly [A, B]>[] {
  const out: Piece<readonly [A, B]>[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const left = a[i]!;
    const right = b[j]!;
    const part = overlapOf(left, right);
    if (part) out.push({ ...part, value: [left.value, right.value] });
    if (left.hi <= right.hi) i += 1;
    else j += 1;
  }
  return out;
}

/** Where a value of `a` became another one in `b`; null stands for no piece. Neighbours of the same change are joined. `O(n + m)`. */
export function difference<T>(
  a: SegmentMap<T>,
  b: SegmentMap<T>,
  same: Same<T> = Object.is,
): Piece<{ readonly before: T | null; readonly after: T | null }>[] {
  type Change = { readonly before: T | null; readonly after: T | null };
  const sameOrNone = (x: T | null, y: T | null) =>
    x === null || y === null ? x === y : same(x, y);
  const out: Piece<Change>[] = [];
  const add = (lo: Position, hi: Position, before: T | null, after: T | null) => {
    if (sameOrNone(before, after)) return;
    const last = out.at(-1);
    const goesOn =
      last?.hi === lo &&
      sameOrNone(last.value.before, before) &&
      sameOrNone(last.value.after, after);
    if (goesOn) out[out.length - 1] = { lo: last.lo, hi, value: last.value };
    else out.push({ lo, hi, value: { before, after } });
  };
  let lo = 0n;
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const left = a[i];
    const right = b[j];
    const first = !right || (left && left.lo < right.lo) ? left! : right;
    if (first.lo > lo) lo = first.lo;
    const before = left && left.lo <= lo ? left : null;
    const after = right && right.lo <= lo ? right : null;
    let hi = first.hi;
    const leftEdge = before ? before.hi : left?.lo;
    if (leftEdge !== undefined && leftEdge < hi) hi = leftEdge;
    const rightEdge = after ? after.hi : right?.lo;
    if (rightEdge !== undefined && rightEdge < hi) hi = rightEdge;
    if (lo < hi) {
      add(lo, hi, before ? before.value : null, after ? after.value : null);
      lo = hi;
    }
    if (left && left.hi <= lo) i += 1;
    if (right && right.hi <= lo) j += 1;
  }
  return out;
}

export function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Pieces that may overlap, laid on a pile: cut at every edge, each part with the values of all pieces over it, as `sweep` has them. */
export function pile<T>(pieces: readonly Piece<T>[]): Piece<readonly T[]>[] {
  return Array.from(
    sweep(pieces, (piece) => piece),
    ({ lo, hi, value }) => ({ lo, hi, value: value.map((piece) => piece.value) }),
  );
}

/**
 * Goes over items that may overlap, from edge to edge, and gives every part that some lie over, with those: first the ones that
 * begin first, else in the order given. `O(n log n)`, and makes no copies: there may be hundreds of thousands.
 */
export function* sweep<T>(
  items: readonly T[],
  segmentOf: (item: T) => Segment,
): Generator<Piece<readonly T[]>> {
  const starts = items.toSorted((a, b) => compare(segmentOf(a).lo, segmentOf(b).lo));
  let over: readonly T[] = [];
  let next = 0;
  let lo = 0n;
  while (over.length > 0 || next < starts.length) {
    if (over.length === 0) lo = segmentOf(starts[next]!).lo;
    const from = next;
    while (next < starts.length && segmentOf(starts[next]!).lo === lo) next += 1;
    if (next > from) over = [...over, ...starts.slice(from, next)];
    let hi = segmentOf(over[0]!).hi;
    for (const item of over) if (segmentOf(item).hi < hi) hi = segmentOf(item).hi;
    const start = starts[next];
    if (start !== undefined && segmentOf(start).lo < hi) hi = segmentOf(start).lo;
    yield { lo, hi, value: over };
    over = over.filter((item) => segmentOf(item).hi > hi);
    lo = hi;
  }
}
