import { nearest } from "../nearest.js";
import { quote } from "../../quote.js";
import type { StructureRule } from "./rule.js";

export const unknownRegion: StructureRule = {
  id: "unknown-region",
  severity: "error",
  adjustable: false,
  checks: "Both ends of a link are regions that exist.",
  why: "What is sent between the regions that were meant would be checked against nothing.",
  mend: "Correct the name.",
  example: "links: [{ between: [shanghai, tianjing], bandwidth: 10Gbps }]",
  *check({ regions, links }) {
    const known = new Set(regions.map(({ id }) => id));
    for (const { between } of links) {
      for (const { id, path } of between) {
        if (known.has(id)) continue;
        const guess = nearest(id, [...known]);
        yield {
          path,
          at: "value",
          message: `there is no region ${quote(id)}`,
          hint: guess ? `did you mean ${guess}?` : "name a region of the topology",
        };
      }
    }
  },
};
