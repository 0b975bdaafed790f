import { overlapOf, sortSegments, touching } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import type { Histogram, ObservedKeyspace } from "./observed.js";

export interface Size {
  readonly rows: bigint;
  readonly bytes: bigint;
}

export const NOTHING: Size = { rows: 0n, bytes: 0n };

function addSizes(a: Size, b: Size): Size {
  return { rows: a.rows + b.rows, bytes: a.bytes + b.bytes };
}

/** Where the load of a keyspace lies: its histogram where there is one, else the sizes of the primaries' entries. */
export function loadMap({ histogram, entries }: ObservedKeyspace): Histogram {
  if (histogram) return sortSegments(histogram);
  return sortSegments(
    entries.flatMap(({ role, segment: { lo, hi }, rows = 0n, bytes = 0n }) =>
      role === "primary" && (rows > 0n || bytes > 0n) ? [{ lo, hi, rows, bytes }] : [],
    ),
  );
}

/** How much lies in the segments. Rows are taken to be spread evenly within a bucket. */
export function sizeOf(load: Histogram, segments: readonly Segment[]): Size {
  return segments.reduce((sum, segment) => addSizes(sum, sizeIn(load, segment)), NOTHING);
}

function sizeIn(load: Histogram, segment: Segment): Size {
  return touching(load, segment).reduce((sum, part) => {
    const shared = overlapOf(part, segment);
    if (!shared) return sum;
    const width = shared.hi - shared.lo;
    const whole = part.hi - part.lo;
    return addSizes(sum, {
      rows: (part.rows * width) / whole,
      bytes: (part.bytes * width) / whole,
    });
  }, NOTHING);
}
