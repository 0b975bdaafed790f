import type { NewHome } from "../plan/failover.js";
import { columns } from "./columns.js";

/** Which shard gets which primary. */
export function failoverText(
  moves: readonly NewHome[],
  { width }: { readonly width: number },
): string {
  return columns(
    moves.map(({ keyspace, shard, from, to }) => [`${keyspace}/${shard}`, `${from} -> ${to}`]),
    width,
  );
}
