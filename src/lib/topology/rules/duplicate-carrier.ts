import type { StructureRule } from "./rule.js";

export const duplicateCarrier: StructureRule = {
  id: "duplicate-carrier",
  severity: "error",
  adjustable: false,
  checks: "An idc lists a carrier once.",
  why: "One of the two was probably meant to be another.",
  mend: "Delete one of the two, or correct it.",
  example: `sh-1:
  carriers: [telecom, telecom]`,
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
