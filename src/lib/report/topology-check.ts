import type { Problem } from "../topology/problem.js";
import { renderProblems } from "../topology/render-problems.js";
import type { Topology } from "../topology/types.js";
import { plural } from "../figures.js";

/** The problems of a file, or one line that says what was found to be right. */
export function renderTopologyCheck(
  file: string,
  topology: Topology | null,
  problems: readonly Problem[],
): string {
  const shown = problems.length > 0 ? [renderProblems(problems)] : [];
  if (!topology) return shown.join("");
  const { regions, sets, nodes, keyspaces } = topology;
  const shards = keyspaces.reduce((sum, keyspace) => sum + keyspace.shards.length, 0);
  const counts = [
    plural(regions.length, "region"),
    plural(sets.length, "set"),
    plural(nodes.length, "node"),
    plural(keyspaces.length, "keyspace"),
    plural(shards, "shard"),
  ];
  return [...shown, `${file}: ok, ${counts.join(", ")}`].join("\n");
}
