import type { StructureRule } from "./rule.js";

export const duplicateLink: StructureRule = {
  id: "duplicate-link",
  severity: "error",
  adjustable: false,
  checks: "Two regions have one link, whichever is named first, and no region has one to itself.",
  why: "It would not be clear which bandwidth counts.",
  mend: "Delete one of the two; add their bandwidths if there are two lines.",
  example: `links:
  - { between: [shanghai, tianjin], bandwidth: 10Gbps }
  - { between: [tianjin, shanghai], bandwidth: 10Gbps }`,
  *check({ links }) {
    const seen = new Set<string>();
    for (const { between, path } of links) {
      const [a, b] = between;
      if (!a || !b) continue;
      const pair = [a.id, b.id].toSorted().join(" ");
      if (a.id === b.id || seen.has(pair)) {
        yield {
          path: [...path, "between"],
          at: "value",
          message:
            a.id === b.id
              ? `a link of region ${a.id} to itself`
              : `regions ${a.id} and ${b.id} have a link already`,
          hint: "name two regions, each two of them once",
        };
      }
      seen.add(pair);
    }
  },
};
