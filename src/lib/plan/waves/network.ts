import { direction, type Direction, linkLoads } from "../../topology/capacity/link-load.js";
import type { Topology } from "../../topology/types.js";
import type { Network } from "./copies.js";

/** What copies go through. */
export function networkOf(topology: Topology): Network {
  return {
    nodes: new Map(topology.nodes.map((node) => [node.id, node])),
    lines: roomOnLines(topology),
    perLink: topology.policy.linkBytesPerSecond,
  };
}

/** A line is never closed to copies: they would not end. */
const LEAST_SHARE = 0.01;
/** Bytes a second: one for each of as many copies as a policy may have at once. */
const LEAST_ROOM = 10_000;

/**
 * Bytes a second that copies may send from one region to another, all together, for every line that the topology lists: the
 * policy's share of what the line has left beside the changes that replication is expected to send, nothing being lost.
 */
function roomOnLines(topology: Topology): ReadonlyMap<Direction, number> {
  const [now] = linkLoads(topology, []);
  return new Map(
    topology.links.flatMap(({ between: [a, b], bitsPerSecond }) =>
      [direction(a, b), direction(b, a)].map((way) => {
        const sent = now?.sums.get(way)?.[0] ?? 0;
        const left = (bitsPerSecond - sent) * topology.policy.lineShare;
        const bits = Math.max(left, bitsPerSecond * LEAST_SHARE);
        return [way, Math.max(LEAST_ROOM, Math.floor(bits / 8))] as const;
      }),
    ),
  );
}
