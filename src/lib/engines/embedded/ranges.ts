import { POSITION_END, type Segment } from "../../keyspace/segment.js";
import type { Place } from "../contract.js";
import type { RowKey } from "./keys.js";

const FIRST_PLACE = bound(0n);
const NUL = Buffer.of(0);

/** The rows of the segment that come after `after`. `start >= end` when there can be none. */
export function rangeOf(
  keyspace: number,
  { lo, hi }: Segment,
  after: Place | null,
): { start: RowKey; end: RowKey } {
  const first = bound(lo);
  const place =
    after !== null && Buffer.compare(after, first) >= 0 ? Buffer.concat([after, NUL]) : first;
  const end =
    hi === POSITION_END
      ? { keyspace: keyspace + 1, place: FIRST_PLACE }
      : { keyspace, place: bound(hi) };
  return { start: { keyspace, place }, end };
}

export function isEmpty({ start, end }: { start: RowKey; end: RowKey }): boolean {
  return start.keyspace === end.keyspace && Buffer.compare(start.place, end.place) >= 0;
}

function bound(position: bigint): Place {
  const place = Buffer.allocUnsafe(8);
  place.writeBigUInt64BE(position);
  return place;
}
