import { type Amount, BANDWIDTH, exceeds } from "../capacity/amounts.js";
import { layerDimensions, ratedDimensions } from "../capacity/dimensions.js";
import { linkFinder, linkLoads } from "../capacity/link-load.js";
import { NODE_AMOUNTS, nodeLimits, nodeLoads } from "../capacity/node-load.js";
import { nodePath } from "../paths.js";
import type { Finding, Path } from "../problem.js";
import type { Topology } from "../types.js";
import type { FitnessRule } from "./rule.js";

export const headroom: FitnessRule = {
  id: "headroom",
  severity: "warning",
  adjustable: true,
  checks:
    "With nothing lost, `policy.headroom` of everything is free: of what the sets are rated for, of each layer, of each data node, of each link between regions.",
  why: "Peaks are higher than expected, and copies of shards need room while they are made.",
  mend: "Add capacity, or lower `policy.headroom`.",
  example: `policy: { headroom: 10% }
demand: { onlineUsers: 95M } # and the sets are rated for 100M`,
  *check(topology) {
    for (const { path, at, where, amount, needed, there } of used(topology)) {
      const keep = topology.policy.headroom;
      // More than all of it is for the rules of capacity.
      if (!exceeds(needed, there * (1 - keep)) || exceeds(needed, there)) continue;
      yield {
        path,
        at,
        message: `${where}${amount.text(needed)} of ${amount.text(there)} ${amount.what} are used: ${percent(1 - needed / there)} is free, policy.headroom is ${percent(keep)}`,
        hint: "add capacity, or lower policy.headroom",
      };
    }
  },
};

interface Use {
  readonly path: Path;
  readonly at: Finding["at"];
  readonly where: string;
  readonly amount: Amount;
  readonly needed: number;
  readonly there: number;
}

/** All that is used with nothing lost. */
function* used(topology: Topology): Generator<Use> {
  const { demand } = topology;
  const dimensions = demand
    ? [...ratedDimensions(topology, demand), ...layerDimensions(topology, demand)]
    : [];
  for (const dimension of dimensions) {
    const { path, needed, have } = dimension;
    const there = have.reduce((a, b) => a + b, 0);
    yield { path, at: "key", where: "", amount: dimension, needed, there };
  }
  for (const { sums } of nodeLoads(topology, [])) {
    for (const [node, amounts] of sums) {
      for (const [i, there] of nodeLimits(node).entries()) {
        const amount = NODE_AMOUNTS[i]!;
        const where = `node ${node.id}: `;
        yield { path: nodePath(node), at: "key", where, amount, needed: amounts[i]!, there };
      }
    }
  }
  const find = linkFinder(topology);
  for (const { sums } of linkLoads(topology, [])) {
    for (const [direction, [needed]] of sums) {
      const found = find(direction);
      if (!found) continue;
      yield {
        path: ["links", found.index, "bandwidth"],
        at: "value",
        where: `${direction}: `,
        amount: BANDWIDTH,
        needed: needed!,
        there: found.link.bitsPerSecond,
      };
    }
  }
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))}%`;
}
