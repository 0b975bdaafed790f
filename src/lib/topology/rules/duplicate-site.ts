import type { Named } from "../draft.js";
import type { StructureRule } from "./rule.js";

export const duplicateSite: StructureRule = {
  id: "duplicate-site",
  severity: "error",
  adjustable: false,
  checks: "Names of regions, idcs and sets all differ.",
  why: "Commands that take a site take any of the three by name alone.",
  mend: "Rename one of the two.",
  example: `regions:
  shanghai:
    idcs:
      shanghai: { ... }`,
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
