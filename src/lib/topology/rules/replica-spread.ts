import type { DraftNode } from "../draft.js";
import type { StructureRule } from "./rule.js";

export const replicaSpread: StructureRule = {
  id: "replica-spread",
  severity: "error",
  adjustable: true,
  checks:
    "No two copies of a shard share what `policy.spread` names: region, set or node. Copies of a `sync: local` keyspace share their region by definition, so there `region` means the set.",
  why: "What fails together must not hold all copies.",
  mend: "Place one of the two elsewhere.",
  example: `policy: { spread: region }
...
a: { primary: shanghai-1, replicas: [shanghai-2] }`,
  *check({ nodes, keyspaces, spread }) {
    if (spread === "node") return;
    const byId = new Map(nodes.map((node) => [node.id, node]));
    for (const keyspace of keyspaces) {
      const by = keyspace.sync === "local" ? "set" : spread;
      for (const shard of keyspace.shards) {
        const first = new Map<string, DraftNode>();
        const seen = new Set<string>();
        for (const copy of [...(shard.primary ? [shard.primary] : []), ...shard.replicas]) {
          const node = byId.get(copy.id);
          // The same node twice is for other rules to say.
          if (!node || seen.has(node.id)) continue;
          seen.add(node.id);
          const place = node[by];
          const before = first.get(place);
          if (before) {
            yield {
              path: copy.path,
              at: "value",
              message: `shard ${keyspace.id}/${shard.id} has two copies in ${by} ${place}: ${before.id} and ${node.id}`,
              hint: `policy.spread is ${spread}: place one of them in another ${by}`,
            };
          } else first.set(place, node);
        }
      }
    }
  },
};
