import { formatSegment } from "../keyspace/wire.js";
import type { RouteSegment, RouteTable } from "../routing/table.js";
import { columns } from "./columns.js";

/** Route tables for people. */
export function routesText(tables: readonly RouteTable[]): string {
  if (tables.length === 0) return "no routes";
  return tables
    .map(({ keyspace, version, sharding, segments }) => {
      const rows = segments.map((segment) => [
        "",
        formatSegment(segment),
        segment.shard,
        `writer ${segment.writer}`,
        `generation ${segment.generation}`,
        readersText(segment),
      ]);
      return `${keyspace}  version ${version}, ${sharding}\n${columns(rows)}`;
    })
    .join("\n");
}

export function readersText({ readers }: Pick<RouteSegment, "readers">): string {
  return readers.length === 0
    ? "reads go to the writer"
    : `readers ${readers.map(({ node, weight }) => `${node} ${weight}`).join(", ")}`;
}
