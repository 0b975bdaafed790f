import { durationText, plural } from "../figures.js";
import { formatSegment } from "../keyspace/wire.js";
import type { RouteSegment, RouteTable } from "../routing/table.js";
import { columns } from "./columns.js";
import { groupBy, rowsOf } from "./group.js";
import type { TextOptions } from "./text-options.js";

/** Route tables for people. */
export function routesText(tables: readonly RouteTable[], options: TextOptions): string {
  if (tables.length === 0) return "no routes";
  return tables
    .map(({ keyspace, version, sharding, segments, withdrawn, settings }) => {
      const groups = groupBy(segments, (segment) => JSON.stringify(servedBy(segment)));
      const rows = rowsOf(
        groups,
        options,
        (segment) => ["", formatSegment(segment), ...servedBy(segment)],
        (group) => ["", plural(group.length, "segment"), ...servedBy(group[0])],
      );
      const state = withdrawn ? ", withdrawn: nobody is sent there" : "";
      return `${keyspace}  version ${version}, ${sharding}${settingsText(settings)}${state}\n${columns(rows, options.width)}`;
    })
    .join("\n");
}

/** Those that are not the usual ones. */
function settingsText({ ack, syncWindowMs }: RouteTable["settings"]): string {
  const window = syncWindowMs === 0 ? "" : `, sync window ${durationText(syncWindowMs)}`;
  return ack === "local" ? window : `, ack ${ack}${window}`;
}

export function readersText({ readers }: Pick<RouteSegment, "readers">): string {
  return readers.length === 0
    ? "reads go to the writer"
    : `readers ${readers.map(({ node, weight }) => `${node} ${weight}`).join(", ")}`;
}

function servedBy(segment: RouteSegment): string[] {
  const { shard, writer, generation } = segment;
  return [shard, `writer ${writer}`, `generation ${generation}`, readersText(segment)];
}
