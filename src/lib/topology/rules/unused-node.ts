import { nodePath } from "../paths.js";
import type { FitnessRule } from "./rule.js";

export const unusedNode: FitnessRule = {
  id: "unused-node",
  severity: "warning",
  adjustable: true,
  checks: "Every data node holds a shard, once there are keyspaces.",
  why: "It costs money and carries nothing; perhaps a shard was forgotten. A node in stock for the next expansion is a good reason to switch this rule off.",
  mend: "Give it a shard or a replica, or take it out; or say in `policy.rules` what it waits for.",
  example: `data: { nodes: { n1: { ... }, n2: { ... } } }
...
shards: { p0: { primary: n1, ... } }`,
  *check({ nodes, keyspaces }) {
    if (keyspaces.length === 0) return;
    const used = new Set<string>();
    for (const { shards } of keyspaces) {
      for (const { primary, replicas } of shards) {
        used.add(primary);
        for (const replica of replicas) used.add(replica);
      }
    }
    for (const node of nodes) {
      if (node.layer !== "data" || used.has(node.id)) continue;
      yield {
        path: nodePath(node),
        at: "key",
        message: `data node ${node.id} holds nothing`,
        hint: "give it a shard, or say in policy.rules what it waits for",
      };
    }
  },
};
