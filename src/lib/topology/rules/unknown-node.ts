import { nearest } from "../nearest.js";
import { quote } from "../../quote.js";
import type { StructureRule } from "./rule.js";

export const unknownNode: StructureRule = {
  id: "unknown-node",
  severity: "error",
  adjustable: false,
  checks: "Every copy of a shard lies on a data node that exists.",
  why: "A plan would not know whom to ask.",
  mend: "Correct the name, or add the node to the `data` part of a set.",
  example: "p0: { primary: no-such-node }",
  *check({ nodes, keyspaces }) {
    const layers = new Map(nodes.map((node) => [node.id, node.layer]));
    const data = nodes.filter((node) => node.layer === "data").map((node) => node.id);
    for (const keyspace of keyspaces) {
      for (const shard of keyspace.shards) {
        for (const { id, path } of [...(shard.primary ? [shard.primary] : []), ...shard.replicas]) {
          const layer = layers.get(id);
          if (layer === "data") continue;
          const role = path.at(-1) === "primary" ? "primary" : "replica";
          const who = `${role} of shard ${keyspace.id}/${shard.id}`;
          const guess = nearest(id, data);
          yield {
            path,
            at: "value",
            message: layer
              ? `${who}: node ${id} is in the ${layer} layer and keeps no data`
              : `${who}: there is no node ${quote(id)}`,
            hint: guess
              ? `did you mean ${guess}?`
              : "name a node from the `data` part of a set, or add the node there",
          };
        }
      }
    }
  },
};
