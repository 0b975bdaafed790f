import { gaps } from "../../keyspace/map.js";
import { formatSegment } from "../units.js";
import type { StructureRule } from "./rule.js";

export const gap: StructureRule = {
  id: "gap",
  severity: "error",
  adjustable: false,
  checks: "The segments of a range keyspace cover its whole domain.",
  why: "Users in the gap would have no shard: their reads and writes fail.",
  mend: "Give the positions to a shard, or change the domain.",
  example: `domain: 0..1000
shards:
  a: { segments: [0..500], ... }
  b: { segments: [600..1000], ... } # 500..600 is nobody's`,
  *check({ keyspaces }) {
    for (const { id, path, sharding, domain, shards, complete } of keyspaces) {
      if (sharding !== "range" || !domain || !complete) continue;
      const segments = shards.flatMap((shard) => shard.segments);
      const before = new Map(segments.map((segment) => [segment.hi, segment]));
      for (const hole of gaps(segments, domain)) {
        const text = formatSegment(hole);
        const previous = before.get(hole.lo);
        yield {
          // The place to mend it: the segment that ends where the gap begins, else the domain.
          path: previous ? previous.path : [...path, "domain"],
          at: "value",
          message: `no shard owns ${text} of ${id}${previous ? `, after shard ${previous.shard}` : ""}`,
          hint: `give ${text} to a shard, or change the domain`,
        };
      }
    }
  },
};
