import type { Named } from "../draft.js";
import type { Rule } from "./rule.js";

/** A site is given as a set, an idc or a region: so all these names differ. */
export const duplicateSite: Rule = {
  id: "duplicate-site",
  severity: "error",
  *check({ regions, idcs, sets }) {
    const first = new Map<string, string>();
    const places: readonly (readonly [string, readonly Named[]])[] = [
      ["region", regions],
      ["idc", idcs],
      ["set", sets],
    ];
    for (const [kind, named] of places) {
      for (const { id, path } of named) {
        const before = first.get(id);
        if (before === undefined) first.set(id, kind);
        else {
          yield {
            path,
            at: "key",
            message: `${kind} ${id} has the name of another ${before}`,
            hint: "names of regions, idcs and sets all differ: rename one of the two",
          };
        }
      }
    }
  },
};
