import { lackText } from "../capacity/amounts.js";
import { excesses } from "../capacity/excess.js";
import { lossesOf } from "../capacity/losses.js";
import { NODE_AMOUNTS, nodeLimits, nodeLoads } from "../capacity/node-load.js";
import { nodePath } from "../paths.js";
import type { FitnessRule } from "./rule.js";

export const dataCapacity: FitnessRule = {
  id: "data-capacity",
  severity: "error",
  adjustable: true,
  checks:
    "Every data node has the memory, operations and network for the shards it holds, by `load` of the keyspaces. Also without any region and without any idc, when replicas take over the writes and the reads of what is lost.",
  why: "The node that takes over must carry both shares, or the second one fails too.",
  mend: "Move shards or replicas to other nodes, split the shard, or use a larger machine.",
  example: `load: { bytes: 400GB, ... }
shards:
  p0: { segments: [0..500], primary: n1, ... } # half of 400GB
# and n1 has memory: 128GiB`,
  *check(topology) {
    const found = excesses(nodeLoads(topology, lossesOf(topology)), nodeLimits);
    for (const { key: node, index, loss, needed, there } of found) {
      const when = loss ? `without ${loss.what}` : "with nothing lost";
      yield {
        path: nodePath(node),
        at: "key",
        message: `node ${node.id}, ${when}: ${lackText(NODE_AMOUNTS[index]!, needed, there)}`,
        hint: loss
          ? "move replicas of its shards to other nodes, or use a larger one"
          : "move shards to other nodes, split them, or use a larger one",
      };
    }
  },
};
