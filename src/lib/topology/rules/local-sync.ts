import type { StructureRule } from "./rule.js";

export const localSync: StructureRule = {
  id: "local-sync",
  severity: "error",
  adjustable: false,
  checks: "All copies of a shard of a `sync: local` keyspace lie in the region of its primary.",
  why: "A local keyspace promises that its data does not cross regions.",
  mend: "Name nodes of the same region, or make the keyspace `sync: global`.",
  example: `sync: local
shards:
  a: { primary: shanghai-1, replicas: [tianjin-1] }`,
  *check({ nodes, keyspaces }) {
    const regions = new Map(nodes.map((node) => [node.id, node.region]));
    for (const keyspace of keyspaces) {
      if (keyspace.sync !== "local") continue;
      for (const shard of keyspace.shards) {
        const home = shard.primary ? regions.get(shard.primary.id) : undefined;
        if (home === undefined) continue;
        for (const { id, path } of shard.replicas) {
          const region = regions.get(id);
          if (region === undefined || region === home) continue;
          yield {
            path,
            at: "value",
            message: `shard ${keyspace.id}/${shard.id} is local to region ${home}, but replica ${id} is in ${region}`,
            hint: "name a node of the same region, or make the keyspace `sync: global`",
          };
        }
      }
    }
  },
};
