import type { StructureRule } from "./rule.js";

export const regionLoss: StructureRule = {
  id: "region-loss",
  severity: "warning",
  adjustable: true,
  checks:
    "After the loss of as many regions as `policy.regionsLost` says, a copy of every shard of a `sync: global` keyspace is left.",
  why: "The data of the shard is lost with its regions.",
  mend: "Add replicas in other regions, or lower `policy.regionsLost`.",
  example: "a: { primary: shanghai-1, replicas: [shanghai-2] }",
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
