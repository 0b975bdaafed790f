import type { Rule } from "./rule.js";

/** The primary of a shard is not one of its replicas. */
export const primaryAmongReplicas: Rule = {
  id: "primary-among-replicas",
  severity: "error",
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
