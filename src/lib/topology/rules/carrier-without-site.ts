import { listed } from "../capacity/listed.js";
import { lossesOf } from "../capacity/losses.js";
import { nearest } from "../nearest.js";
import type { FitnessRule } from "./rule.js";

export const carrierWithoutSite: FitnessRule = {
  id: "carrier-without-site",
  severity: "error",
  adjustable: true,
  checks:
    "Every carrier of `demand.carriers` reaches an idc, and one is left whichever region or idc is lost.",
  why: "Its users can be served nowhere, or are cut off with a single place.",
  mend: "Make an idc in another place reachable over the carrier. Leave it out of `demand.carriers` if its users reach the idcs of other carriers well enough.",
  example: `demand: { onlineUsers: 100M, carriers: { cernet: 1% } }
# and cernet is in the \`carriers\` of one idc only`,
  *check(topology) {
    const { demand, idcs } = topology;
    if (!demand) return;
    const places = new Map<string, string[]>();
    for (const idc of idcs) {
      for (const carrier of idc.carriers) {
        const there = places.get(carrier);
        if (there) there.push(idc.id);
        else places.set(carrier, [idc.id]);
      }
    }
    const losses = lossesOf(topology);
    for (const { id } of demand.carriers) {
      const reached = places.get(id) ?? [];
      const path = ["demand", "carriers", id];
      if (reached.length === 0) {
        const guess = nearest(id, [...places.keys()]);
        yield {
          path,
          at: "key",
          message: `carrier ${id} reaches no idc`,
          hint: guess ? `did you mean ${guess}?` : "add it to the `carriers` of an idc",
        };
        continue;
      }
      const loss = losses.find((one) => reached.every((idc) => one.idcs.has(idc)));
      if (!loss) continue;
      yield {
        path,
        at: "key",
        message: `carrier ${id} reaches ${listed(reached)} only: its users are lost with ${loss.what}`,
        hint: "make an idc elsewhere reachable over it",
      };
    }
  },
};
