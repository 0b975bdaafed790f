import { EXIT, OpsError } from "../errors.js";
import { sortSegments } from "../keyspace/map.js";
import { joinSegments } from "./change.js";
import { checkTable } from "./check.js";
import type { RouteTable } from "./table.js";

/** A keyspace's first table, from segments in any order. Throws OpsError `bad-route-table` (exit 3) when `checkTable` says no. */
export function makeTable(parts: RouteTable): RouteTable {
  const table = { ...parts, segments: joinSegments(sortSegments(parts.segments)) };
  const problems = checkTable(table);
  if (problems.length > 0) {
    throw new OpsError(
      "bad-route-table",
      EXIT.refused,
      `Keyspace ${parts.keyspace} has no usable route table: ${problems.join("; ")}`,
      { hint: "Compare ops agent status with the topology.", details: problems },
    );
  }
  return table;
}
