import type { RouteTable } from "./table.js";

/**
 * The configuration lines, for applications in any language. One for each node, `node sh-1 http://10.1.1.1:7400 sh sh-a` (url,
 * region, set); then one for each segment, `profile 0 100000 p0 w=sh-1 g=3 r=sh-1:100,sz-1:100` (keyspace, lo, hi, shard, writer,
 * generation, readers with weights; `r=-` when there are no readers). Withdrawn keyspaces are left out. Ends with a newline.
 */
export function routeLines(all: readonly RouteTable[]): string {
  const tables = all.filter((table) => !table.withdrawn);
  const nodes = new Map(tables.flatMap((table) => Object.entries(table.nodes)));
  const places = [...nodes]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { url, region, set }]) => `node ${id} ${url} ${region} ${set}\n`);
  return [...places, ...tables.map(segmentLines)].join("");
}

function segmentLines(table: RouteTable): string {
  return table.segments
    .map(({ lo, hi, shard, writer, generation, readers }) => {
      const weights = readers.map(({ node, weight }) => `${node}:${weight}`).join(",");
      return `${table.keyspace} ${lo} ${hi} ${shard} w=${writer} g=${generation} r=${weights || "-"}\n`;
    })
    .join("");
}
