import { pieceAt } from "../keyspace/map.js";
import type { Position } from "../keyspace/segment.js";
import type { RouteSegment, RouteTable } from "./table.js";

/** The segment that holds the position, or null when it lies outside the table's domain. `O(log n)`. */
export function lookup(table: RouteTable, position: Position): RouteSegment | null {
  return pieceAt(table.segments, position);
}
