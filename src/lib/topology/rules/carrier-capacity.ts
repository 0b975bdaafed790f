import { layerDimensions, ratedDimensions } from "../capacity/dimensions.js";
import { lossesOf } from "../capacity/losses.js";
import { shortages, shortageText } from "../capacity/shortages.js";
import type { FitnessRule } from "./rule.js";

export const carrierCapacity: FitnessRule = {
  id: "carrier-capacity",
  severity: "error",
  adjustable: true,
  checks:
    "The users of each carrier, and of several carriers together, find enough in the idcs that those reach: what the sets are rated for, what the lines of the carriers take, and memory, operations and network of each layer. Also without any region and without any idc.",
  why: "A total that is large enough helps nobody whose carrier does not reach it.",
  mend: "Make another idc reachable over the carrier, add sets where it is, or widen its lines.",
  example: `demand: { onlineUsers: 100M, carriers: { telecom: 70% } }
# 100M fit in all, but only 60M in idcs with \`carriers: [telecom, ...]\``,
  *check(topology) {
    const { demand, idcs } = topology;
    if (!demand) return;
    // A carrier that has no idc is for `carrier-without-site`.
    const known = new Set(idcs.flatMap(({ carriers }) => carriers));
    const carriers = demand.carriers.filter(({ id }) => known.has(id));
    if (carriers.length === 0) return;
    const hasLines = idcs.some(({ carrierUsers }) => Object.keys(carrierUsers).length > 0);
    const widen = hasLines ? ", or widen its lines" : "";
    const dimensions = [...ratedDimensions(topology, demand), ...layerDimensions(topology, demand)];
    for (const shortage of shortages(topology, dimensions, lossesOf(topology), carriers)) {
      const { loss, group } = shortage;
      // Everyone together is for `set-capacity` and `layer-capacity`.
      if (group.carriers.length === 0) continue;
      yield {
        path: loss?.path ?? ["demand", "carriers", group.carriers[0]!],
        at: "key",
        message: shortageText(shortage),
        hint: `add sets${loss ? " elsewhere" : ""} that ${group.carriers.length === 1 ? group.carriers[0]! : "one of them"} reaches, or make more idcs reachable over it${widen}`,
      };
    }
  },
};
