import { bitsText } from "../capacity/amounts.js";
import { linkFinder, linkLoads, regionsOf } from "../capacity/link-load.js";
import type { FitnessRule } from "./rule.js";

export const missingLink: FitnessRule = {
  id: "missing-link",
  severity: "warning",
  adjustable: true,
  checks: "If there are `links`, every two regions between which changes are sent have one.",
  why: "What crosses a line that is not listed is checked against nothing.",
  mend: "Add the line to `links`.",
  example: `links: [{ between: [shanghai, tianjin], bandwidth: 10Gbps }]
# and a primary in shanghai has a replica in shenzhen`,
  *check(topology) {
    if (topology.links.length === 0) return;
    const find = linkFinder(topology);
    const told = new Set<string>();
    for (const { sums } of linkLoads(topology, [])) {
      for (const [direction, [bits]] of sums) {
        const pair = regionsOf(direction).toSorted().join(", ");
        if (bits === 0 || find(direction) || told.has(pair)) continue;
        told.add(pair);
        yield {
          path: ["links"],
          at: "key",
          message: `${direction}: ${bitsText(bits!)} of changes are sent, and there is no link`,
          hint: `add { between: [${pair}], bandwidth: ... }`,
        };
      }
    }
  },
};
