import type { Rule } from "./rule.js";

/** A shard lists a replica once. */
export const duplicateReplica: Rule = {
  id: "duplicate-replica",
  severity: "error",
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
