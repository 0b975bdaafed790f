import { contains, overlapOf, sortSegments, subtract, touching } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { formatSegment } from "../keyspace/wire.js";
import type { Reader, RouteSegment, RouteTable } from "./table.js";

/*
 * The version stays in all of these: the publisher raises it. Segments are cut and joined as needed; they come in any order,
 * without overlaps. All throw RangeError for a segment that leaves the domain.
 */

/** The table with these readers for the segments; readers of weight 0 are left out. */
export function withReaders(
  table: RouteTable,
  segments: readonly Segment[],
  readers: readonly Reader[],
): RouteTable {
  const kept = liveReaders(readers);
  return change(table, segments, (part) => ({ ...part, readers: kept }));
}

/** Where the writes of a segment go. */
export interface Writer extends Segment {
  readonly writer: string;
  readonly shard: string;
  readonly generation: bigint;
}

/** The table with these writers. */
export function withWriters(table: RouteTable, writers: readonly Writer[]): RouteTable {
  return change(table, writers, (part, { writer, shard, generation }) => ({
    ...part,
    writer,
    shard,
    generation,
  }));
}

/** The table in which the segments belong to this shard. */
export function withShard(
  table: RouteTable,
  segments: readonly Segment[],
  shard: string,
): RouteTable {
  return change(table, segments, (part) => ({ ...part, shard }));
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

function change<S extends Segment>(
  table: RouteTable,
  targets: readonly S[],
  to: (part: RouteSegment, target: S) => RouteSegment,
): RouteTable {
  const outside = targets.find(
    (target) => !contains(table.domain, target) || target.lo >= target.hi,
  );
  if (outside !== undefined) {
    throw new RangeError(
      `${formatSegment(outside)} is not within the domain ${formatSegment(table.domain)}`,
    );
  }
  const sorted = sortSegments(targets);
  const segments = table.segments.flatMap((segment) => {
    const found = touching(sorted, segment);
    if (found.length === 0) return [segment];
    const changed = found.map((target) =>
      to({ ...segment, ...overlapOf(segment, target)! }, target),
    );
    const rest = subtract([segment], found).map((part) => ({ ...segment, ...part }));
    return sortSegments([...changed, ...rest]);
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
