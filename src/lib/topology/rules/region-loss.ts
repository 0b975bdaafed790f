import type { Rule } from "./rule.js";

/** After the loss of `policy.regionsLost` regions a copy of every shard of a global keyspace is left. */
export const regionLoss: Rule = {
  id: "region-loss",
  severity: "warning",
  *check({ nodes, keyspaces, regionsLost }) {
    const regionOf = new Map(nodes.map((node) => [node.id, node.region]));
    for (const keyspace of keyspaces) {
      if (keyspace.sync !== "global") continue;
      for (const shard of keyspace.shards) {
        if (!shard.primary) continue;
        const copies = [shard.primary, ...shard.replicas].map(({ id }) => regionOf.get(id));
        if (copies.includes(undefined)) continue;
        const regions = [...new Set(copies)];
        if (regions.length > regionsLost) continue;
        yield {
          path: shard.path,
          at: "key",
          message: `shard ${keyspace.id}/${shard.id} has copies in ${regions.join(", ")} only; policy.regionsLost is ${regionsLost}`,
          hint: "add replicas in other regions, or its data is lost with them",
        };
      }
    }
  },
};
