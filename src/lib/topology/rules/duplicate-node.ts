import type { DraftNode } from "../draft.js";
import type { StructureRule } from "./rule.js";

export const duplicateNode: StructureRule = {
  id: "duplicate-node",
  severity: "error",
  adjustable: false,
  checks: "Node names are unique in the whole file, over all layers.",
  why: "A shard names its nodes by nothing else.",
  mend: "Rename one of the two.",
  example: `access: { nodes: { n1: { ... } } }
data: { nodes: { n1: { ... } } }`,
  *check({ nodes }) {
    const first = new Map<string, DraftNode>();
    for (const node of nodes) {
      const before = first.get(node.id);
      if (!before) first.set(node.id, node);
      else {
        yield {
          path: node.path,
          at: "key",
          message: `node ${node.id} exists already, in the ${before.layer} layer of set ${before.set}`,
          hint: "node names are unique in the whole file: rename one of the two",
        };
      }
    }
  },
};
