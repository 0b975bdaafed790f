import { formatSegment } from "../units.js";
import type { StructureRule } from "./rule.js";

export const duplicateSegment: StructureRule = {
  id: "duplicate-segment",
  severity: "error",
  adjustable: false,
  checks: "A segment is listed once in its keyspace.",
  why: "Two shards would own the same positions.",
  mend: "Delete one of the two.",
  example: `a: { segments: [0..500], ... }
b: { segments: [0..500], ... }`,
  *check({ keyspaces }) {
    for (const keyspace of keyspaces) {
      const first = new Map<string, string>();
      for (const { path, shard, ...segment } of keyspace.shards.flatMap((one) => one.segments)) {
        const text = formatSegment(segment);
        const before = first.get(text);
        if (before === undefined) first.set(text, shard);
        else {
          yield {
            path,
            at: "value",
            message: `segment ${text} of ${keyspace.id} is listed twice: in shard ${before} and in shard ${shard}`,
            hint: "delete one of the two",
          };
        }
      }
    }
  },
};
