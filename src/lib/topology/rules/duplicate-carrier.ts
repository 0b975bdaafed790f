import type { Rule } from "./rule.js";

/** An idc lists a carrier once. */
export const duplicateCarrier: Rule = {
  id: "duplicate-carrier",
  severity: "error",
  *check({ idcs }) {
    for (const idc of idcs) {
      const seen = new Set<string>();
      for (const { id, path } of idc.carriers) {
        if (seen.has(id)) {
          yield {
            path,
            at: "value",
            message: `carrier ${id} is listed twice in idc ${idc.id}`,
            hint: "delete one of the two",
          };
        }
        seen.add(id);
      }
    }
  },
};
