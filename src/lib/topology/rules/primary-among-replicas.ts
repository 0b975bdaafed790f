import type { StructureRule } from "./rule.js";

export const primaryAmongReplicas: StructureRule = {
  id: "primary-among-replicas",
  severity: "error",
  adjustable: false,
  checks: "The primary of a shard is not one of its replicas.",
  why: "A copy on the same node protects from nothing.",
  mend: "Delete it from the replicas, or name another primary.",
  example: "p0: { primary: n1, replicas: [n1, n2] }",
  *check({ keyspaces }) {
    for (const keyspace of keyspaces) {
      for (const shard of keyspace.shards) {
        for (const { id, path } of shard.replicas) {
          if (id !== shard.primary?.id) continue;
          yield {
            path,
            at: "value",
            message: `${id} is both the primary and a replica of shard ${keyspace.id}/${shard.id}`,
            hint: "delete it from the replicas, or name another primary",
          };
        }
      }
    }
  },
};
