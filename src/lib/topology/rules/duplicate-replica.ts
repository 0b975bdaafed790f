import type { StructureRule } from "./rule.js";

export const duplicateReplica: StructureRule = {
  id: "duplicate-replica",
  severity: "error",
  adjustable: false,
  checks: "A shard lists a replica once.",
  why: "A second copy on the same node protects from nothing.",
  mend: "Delete one of the two, or name another node.",
  example: "p0: { primary: n1, replicas: [n2, n2] }",
  *check({ keyspaces }) {
    for (const keyspace of keyspaces) {
      for (const shard of keyspace.shards) {
        const seen = new Set<string>();
        for (const { id, path } of shard.replicas) {
          if (seen.has(id)) {
            yield {
              path,
              at: "value",
              message: `replica ${id} of shard ${keyspace.id}/${shard.id} is listed twice`,
              hint: "delete one of the two",
            };
          }
          seen.add(id);
        }
      }
    }
  },
};
