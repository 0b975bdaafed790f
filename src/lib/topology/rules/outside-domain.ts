import { contains } from "../../keyspace/map.js";
import { formatSegment } from "../units.js";
import type { Rule } from "./rule.js";

/** Every segment lies within the domain of its keyspace. */
export const outsideDomain: Rule = {
  id: "outside-domain",
  severity: "error",
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
