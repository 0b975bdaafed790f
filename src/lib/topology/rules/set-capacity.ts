import { ratedDimensions } from "../capacity/dimensions.js";
import { lossesOf } from "../capacity/losses.js";
import { shortages, shortageText } from "../capacity/shortages.js";
import type { FitnessRule } from "./rule.js";

export const setCapacity: FitnessRule = {
  id: "set-capacity",
  severity: "error",
  adjustable: true,
  checks:
    "What the sets are rated for is enough for all users online and all logins of `demand`, also without any region (as many at once as `policy.regionsLost` says) and without any idc.",
  why: "When a region is lost, its users log in at the others. If those are too small, they fail too.",
  mend: "Add sets elsewhere. If fewer regions are to be survived, lower `policy.regionsLost`.",
  example: `demand: { onlineUsers: 200M }
# three regions of 60M: without one there is room for 120M`,
  *check(topology) {
    const { demand } = topology;
    if (!demand) return;
    const dimensions = ratedDimensions(topology, demand);
    for (const shortage of shortages(topology, dimensions, lossesOf(topology))) {
      const { loss, lacks } = shortage;
      yield {
        path: loss?.path ?? lacks[0]!.dimension.path,
        at: "key",
        message: shortageText(shortage),
        hint: loss
          ? "add sets elsewhere, or lower policy.regionsLost if that may happen"
          : "add sets, or raise what they are rated for if they can take more",
      };
    }
  },
};
