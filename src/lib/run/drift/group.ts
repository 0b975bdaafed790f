import { union } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import type { Difference } from "./types.js";

/** Differences that say the same about several nodes or segments, as one each. */
export function grouped(found: readonly Difference[]): Difference[] {
  const groups = new Map<string, { of: Difference; nodes: Set<string>; segments: Segment[] }>();
  for (const difference of found) {
    const { nodes, segments, ...same } = difference;
    const key = JSON.stringify(same);
    const group = groups.get(key) ?? { of: difference, nodes: new Set(), segments: [] };
    groups.set(key, group);
    for (const node of nodes) group.nodes.add(node);
    group.segments.push(...segments);
  }
  return [...groups.values()].map(({ of, nodes, segments }) => ({
    ...of,
    nodes: [...nodes].toSorted(),
    segments: union(segments),
  }));
}
