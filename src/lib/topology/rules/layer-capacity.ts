import { layerDimensions } from "../capacity/dimensions.js";
import { lossesOf } from "../capacity/losses.js";
import { shortages, shortageText } from "../capacity/shortages.js";
import type { FitnessRule } from "./rule.js";

export const layerCapacity: FitnessRule = {
  id: "layer-capacity",
  severity: "error",
  adjustable: true,
  checks:
    "The nodes of each layer together have the memory, the operations and the network that all users need by `demand.perUser`, also without any region and without any idc.",
  why: "A set is rated for users as a whole, but it is one layer that fails: connections run out of memory, or logic of operations.",
  mend: "Add nodes to that layer elsewhere, or correct what a user costs.",
  example: `demand:
  onlineUsers: 200M
  perUser: { access: { memory: 10kB } }
# 2 TB needed; without one region 20 access nodes of 64GiB are left`,
  *check(topology) {
    const { demand } = topology;
    if (!demand) return;
    const losses = lossesOf(topology);
    const dimensions = layerDimensions(topology, demand);
    for (const layer of ["access", "logic", "data"] as const) {
      const own = dimensions.filter((dimension) => dimension.layer === layer);
      for (const shortage of shortages(topology, own, losses)) {
        const { loss, lacks } = shortage;
        yield {
          path: loss?.path ?? lacks[0]!.dimension.path,
          at: "key",
          message: shortageText(shortage),
          hint: `add ${layer} nodes${loss ? " elsewhere" : ""}, or correct demand.perUser.${layer}`,
        };
      }
    }
  },
};
