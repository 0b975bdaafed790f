import { contains } from "../../keyspace/map.js";
import { formatSegment } from "../units.js";
import type { StructureRule } from "./rule.js";

export const outsideDomain: StructureRule = {
  id: "outside-domain",
  severity: "error",
  adjustable: false,
  checks: "Every segment lies within the domain of its keyspace.",
  why: "Positions outside of the domain have no users; the domain or the segment is wrong.",
  mend: "Cut the segment, or widen the domain.",
  example: `domain: 0..1000
shards:
  a: { segments: [0..1200], ... }`,
  *check({ keyspaces }) {
    for (const { id, domain, shards } of keyspaces) {
      if (!domain) continue;
      for (const { shard, path, ...segment } of shards.flatMap((one) => one.segments)) {
        if (contains(domain, segment)) continue;
        yield {
          path,
          at: "value",
          message: `segment ${formatSegment(segment)} of shard ${shard} is not within the domain ${formatSegment(domain)} of ${id}`,
          hint: "cut the segment, or widen the domain",
        };
      }
    }
  },
};
