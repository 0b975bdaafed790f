import { BANDWIDTH, lackText } from "../capacity/amounts.js";
import { excesses } from "../capacity/excess.js";
import { linkFinder, linkLoads } from "../capacity/link-load.js";
import { lossesOf } from "../capacity/losses.js";
import type { FitnessRule } from "./rule.js";

export const syncTraffic: FitnessRule = {
  id: "sync-traffic",
  severity: "error",
  adjustable: true,
  checks:
    "The changes that primaries send to replicas in other regions fit through `links`, in each direction, also after any loss. Of relationship keyspaces these are all changes; of status keyspaces the last value of each key within `policy.syncWindow`, if `load.changedKeys` says how many keys that are; with `ack: follower` all changes.",
  why: "Replicas behind a line that is too small fall behind without end, and cannot take over.",
  mend: "Widen the line, spread the primaries over the regions, or lengthen `policy.syncWindow` (it counts with `ack: local`).",
  example: `links: [{ between: [shanghai, tianjin], bandwidth: 100Mbps }]
...
load: { changeTraffic: 30MB/s } # 240Mbps`,
  *check(topology) {
    const find = linkFinder(topology);
    const loads = linkLoads(topology, lossesOf(topology));
    const limits = (direction: string) => {
      const found = find(direction);
      return found ? [found.link.bitsPerSecond] : null;
    };
    for (const { key: direction, loss, needed, there } of excesses(loads, limits)) {
      const when = loss ? `without ${loss.what}` : "with nothing lost";
      yield {
        path: ["links", find(direction)!.index, "bandwidth"],
        at: "value",
        message: `${direction}, ${when}: ${lackText(BANDWIDTH, needed, there)}`,
        hint: "widen the line, spread the primaries, or lengthen policy.syncWindow",
      };
    }
  },
};
