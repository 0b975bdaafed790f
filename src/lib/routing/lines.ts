import type { RouteTable } from "./table.js";

/**
 * The configuration lines, one for each segment, for applications in any language:
 * `profile 0 100000 p0 w=sh-1 g=3 r=sh-1:100,sz-1:100` (keyspace, lo, hi, shard, writer, generation, readers with weights;
 * `r=-` when there are no readers). Ends with a newline.
 */
export function routeLines(table: RouteTable): string {
  return table.segments
    .map(({ lo, hi, shard, writer, generation, readers }) => {
      const weights = readers.map(({ node, weight }) => `${node}:${weight}`).join(",");
      return `${table.keyspace} ${lo} ${hi} ${shard} w=${writer} g=${generation} r=${weights || "-"}\n`;
    })
    .join("");
}
