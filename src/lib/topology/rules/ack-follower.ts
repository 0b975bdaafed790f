import type { StructureRule } from "./rule.js";

export const ackFollower: StructureRule = {
  id: "ack-follower",
  severity: "error",
  adjustable: false,
  checks:
    "Every shard of a keyspace with `ack: follower` has a replica in another set than its primary.",
  why: "Its writes would wait for a copy that there is not, and none would ever be acknowledged.",
  mend: "Add a replica in another set, or take `ack: local`.",
  example: `ack: follower
shards:
  a: { primary: shanghai-1 }`,
  *check({ nodes, keyspaces }) {
    const sets = new Map(nodes.map((node) => [node.id, node.set]));
    for (const { id, ack, shards } of keyspaces) {
      if (ack !== "follower") continue;
      for (const { id: shard, path, primary, replicas } of shards) {
        const home = primary ? sets.get(primary.id) : undefined;
        const others = replicas.map((replica) => sets.get(replica.id));
        // Nodes that are not there are for another rule to say.
        if (home === undefined || others.some((set) => set !== home)) continue;
        yield {
          path,
          at: "key",
          message: `shard ${id}/${shard} is to acknowledge writes once a replica in another set has them, and has none`,
          hint: `add a replica in another set than ${home}, or take \`ack: local\``,
        };
      }
    }
  },
};
