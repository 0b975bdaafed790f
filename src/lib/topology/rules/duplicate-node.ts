import type { DraftNode } from "../draft.js";
import type { Rule } from "./rule.js";

/** A node is named once in the whole file. */
export const duplicateNode: Rule = {
  id: "duplicate-node",
  severity: "error",
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
