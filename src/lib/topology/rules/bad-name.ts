import { NAME, NAME_HINT } from "../schema-fields.js";
import { quote } from "../../quote.js";
import type { StructureRule } from "./rule.js";

export const badName: StructureRule = {
  id: "bad-name",
  severity: "error",
  adjustable: false,
  checks:
    "Names of regions, idcs, carriers, sets, nodes, keyspaces and shards begin with a letter and have up to 63 letters, digits, dots, dashes or underscores.",
  why: "Names go into URLs, command lines and file names. One that begins with a digit would be taken for an index.",
  mend: "Rename it, wherever it is used.",
  example: `regions:
  1st: { idcs: {} }`,
  *check(draft) {
    const { regions, idcs, sets, nodes, keyspaces } = draft;
    const shards = keyspaces.flatMap((keyspace) => keyspace.shards);
    const carriers = idcs.flatMap((idc) => idc.carriers);
    const named = [...regions, ...idcs, ...carriers, ...sets, ...nodes, ...keyspaces, ...shards];
    for (const { id, path } of named) {
      if (NAME.test(id)) continue;
      yield { path, at: "key", message: `${quote(id)} is no valid name`, hint: NAME_HINT };
    }
  },
};
