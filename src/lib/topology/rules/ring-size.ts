import { DEFAULT_VIRTUAL_NODES } from "../schema-fields.js";
import type { StructureRule } from "./rule.js";

/** Every route table lists the places of its ring, and all are computed when the topology is read. */
const MAX_PLACES = 200_000;

export const ringSize: StructureRule = {
  id: "ring-size",
  severity: "error",
  adjustable: false,
  checks: "Shards times virtual nodes, over all consistent-hash keyspaces, are at most 200,000.",
  why: "Every route table lists the places of its ring, and all are computed when the topology is read.",
  mend: "Lower `virtualNodes`.",
  example: `virtualNodes: 4096
shards: { s0: { ... }, ... } # 100 of them`,
  *check({ keyspaces }) {
    let places = 0;
    for (const { id, path, sharding, shards, virtualNodes } of keyspaces) {
      if (sharding !== "consistent-hash") continue;
      const each = virtualNodes ?? DEFAULT_VIRTUAL_NODES;
      places += shards.length * each;
      if (places <= MAX_PLACES) continue;
      yield {
        path: virtualNodes === null ? path : [...path, "virtualNodes"],
        at: virtualNodes === null ? "key" : "value",
        message: `the rings up to that of ${id} have ${places} places; at most ${MAX_PLACES} are supported`,
        hint: "lower virtualNodes",
      };
    }
  },
};
