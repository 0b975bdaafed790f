import { contains, overlapOf } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { formatSegment } from "../keyspace/wire.js";
import type { Reader, RouteSegment, RouteTable } from "./table.js";

/**
 * The table with these readers for the segment; readers of weight 0 are left out. Cuts and joins segments as needed.
 * The version stays: the publisher raises it. Throws RangeError for a segment that leaves the domain.
 */
export function withReaders(
  table: RouteTable,
  segment: Segment,
  readers: readonly Reader[],
): RouteTable {
  const kept = liveReaders(readers);
  return change(table, segment, (part) => ({ ...part, readers: kept }));
}

/**
 * The table with this writer, owning shard and generation for the segment. Cuts and joins segments as needed.
 * The version stays: the publisher raises it. Throws RangeError for a segment that leaves the domain.
 */
export function withWriter(
  table: RouteTable,
  segment: Segment,
  writer: string,
  shard: string,
  generation: bigint,
): RouteTable {
  return change(table, segment, (part) => ({ ...part, writer, shard, generation }));
}

/** As they stand in a table: those with a weight, by name. */
export function liveReaders(readers: readonly Reader[]): Reader[] {
  return readers
    .filter((reader) => reader.weight > 0)
    .map(({ node, weight }) => ({ node, weight }))
    .toSorted((a, b) => (a.node < b.node ? -1 : 1));
}

export function sameReaders(a: readonly Reader[], b: readonly Reader[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ node, weight }, i) => node === b[i]!.node && weight === b[i]!.weight)
  );
}

/** Joins neighbours that say the same. */
export function joinSegments(segments: readonly RouteSegment[]): RouteSegment[] {
  const out: RouteSegment[] = [];
  for (const segment of segments) {
    const last = out.at(-1);
    if (last && last.hi === segment.lo && sameRoute(last, segment))
      out[out.length - 1] = { ...last, hi: segment.hi };
    else out.push(segment);
  }
  return out;
}

function change(
  table: RouteTable,
  target: Segment,
  to: (part: RouteSegment) => RouteSegment,
): RouteTable {
  if (!contains(table.domain, target) || target.lo >= target.hi) {
    throw new RangeError(
      `${formatSegment(target)} is not within the domain ${formatSegment(table.domain)}`,
    );
  }
  const segments = table.segments.flatMap((segment) => {
    const part = overlapOf(segment, target);
    if (!part) return [segment];
    const out: RouteSegment[] = [];
    if (segment.lo < part.lo) out.push({ ...segment, hi: part.lo });
    out.push(to({ ...segment, ...part }));
    if (part.hi < segment.hi) out.push({ ...segment, lo: part.hi });
    return out;
  });
  return { ...table, segments: joinSegments(segments) };
}

function sameRoute(a: RouteSegment, b: RouteSegment): boolean {
  return (
    a.shard === b.shard &&
    a.writer === b.writer &&
    a.generation === b.generation &&
    sameReaders(a.readers, b.readers)
  );
}
