import { EXIT, OpsError } from "../../errors.js";
import type { Topology } from "../../topology/types.js";
import type { Vector } from "./vector.js";

interface Holders {
  readonly primary: string;
  readonly replicas: readonly string[];
}

/**
 * What a shard on these nodes can carry: of each resource, what the smallest of them has. Every copy holds all rows, and any may be
 * made the primary. The function throws OpsError `expand/unknown-node` (exit 64).
 */
export function capacityOf({ nodes }: Topology): (holders: Holders) => Vector {
  const capacities = new Map(
    nodes.map(({ id, capacity }): [string, Vector] => [
      id,
      [capacity.memoryBytes, capacity.opsPerSecond, capacity.networkBitsPerSecond / 8],
    ]),
  );
  return ({ primary, replicas }) =>
    [primary, ...replicas]
      .map((node) => capacities.get(node) ?? unknownNode(node))
      .reduce(([a, b, c], [x, y, z]) => [Math.min(a, x), Math.min(b, y), Math.min(c, z)]);
}

export function unknownNode(node: string): never {
  throw new OpsError("expand/unknown-node", EXIT.usage, `The topology has no node ${node}`, {
    hint: "Add it to a set's data layer first.",
  });
}
