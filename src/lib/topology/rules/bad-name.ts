import { NAME, NAME_HINT } from "../schema-fields.js";
import { quote } from "../../quote.js";
import type { Rule } from "./rule.js";

/** Whatever has a name has a valid one. */
export const badName: Rule = {
  id: "bad-name",
  severity: "error",
  *check(draft) {
    const { regions, idcs, sets, nodes, keyspaces } = draft;
    const shards = keyspaces.flatMap((keyspace) => keyspace.shards);
    for (const { id, path } of [...regions, ...idcs, ...sets, ...nodes, ...keyspaces, ...shards]) {
      if (NAME.test(id)) continue;
      yield { path, at: "key", message: `${quote(id)} is no valid name`, hint: NAME_HINT };
    }
  },
};
