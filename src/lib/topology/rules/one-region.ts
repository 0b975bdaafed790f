import { lackText } from "../capacity/amounts.js";
import { ratedDimensions } from "../capacity/dimensions.js";
import { regionPath } from "../paths.js";
import type { FitnessRule } from "./rule.js";

export const oneRegion: FitnessRule = {
  id: "one-region",
  severity: "warning",
  adjustable: true,
  checks:
    "The sets of each region alone are rated for all users online and all logins of `demand`.",
  why: "More regions may fail at once than are planned for: then one is left. Many services decide that two must be, and switch this rule off.",
  mend: "Add sets to the region, or say in `policy.rules` why it need not carry everyone.",
  example: `demand: { onlineUsers: 200M }
# three regions of 120M: any two are enough, one is not`,
  *check(topology) {
    const { demand, regions, idcs, policy } = topology;
    // Where all but one may be lost, each region alone is what the rules of capacity check.
    if (!demand || regions.length < 2 || policy.regionsLost >= regions.length - 1) return;
    const dimensions = ratedDimensions(topology, demand);
    for (const { id } of regions) {
      const lacks = dimensions.flatMap((dimension) => {
        const there = idcs.reduce(
          (sum, { region }, i) => (region === id ? sum + dimension.have[i]! : sum),
          0,
        );
        return dimension.needed > there ? [lackText(dimension, dimension.needed, there)] : [];
      });
      if (lacks.length === 0) continue;
      yield {
        path: regionPath(id),
        at: "key",
        message: `region ${id} alone could not carry everyone: ${lacks.join("; ")}`,
        hint: "add sets to it, or say in policy.rules why that is not needed",
      };
    }
  },
};
