import { formatSegment } from "../keyspace/wire.js";
import type { Segment } from "../keyspace/segment.js";

const SEGMENTS_SHOWN = 4;

/** The first few segments, and how many more there are. */
export function segmentsText(segments: readonly Segment[]): string {
  const shown = segments.slice(0, SEGMENTS_SHOWN).map(formatSegment).join(" ");
  return segments.length > SEGMENTS_SHOWN
    ? `${shown} and ${segments.length - SEGMENTS_SHOWN} more`
    : shown;
}

/** `1 copy`, `3 copies` */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
