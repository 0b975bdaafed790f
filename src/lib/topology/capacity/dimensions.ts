import type { Path } from "../problem.js";
import type { Demand, Layer, Topology } from "../types.js";
import { type Amount, LOGINS, RESOURCES, USERS } from "./amounts.js";

/** One thing that users need and that idcs have. */
export interface Dimension extends Amount {
  /** What of the demand says how much is needed. */
  readonly path: Path;
  readonly layer: Layer | null;
  /** By everyone. */
  readonly needed: number;
  /** What each idc has, in the order of the topology. */
  readonly have: readonly number[];
  /** Of what is needed, by one user online; null for what is not counted by users online. */
  readonly perUser: number | null;
}

/** Users and logins, against what the sets are rated for. Those of which nothing is needed are left out. */
export function ratedDimensions(topology: Topology, demand: Demand): Dimension[] {
  const of = (value: (capacity: Topology["sets"][number]["capacity"]) => number) =>
    byIdc(topology, topology.sets, ({ capacity }) => value(capacity));
  const dimensions: Dimension[] = [
    {
      ...USERS,
      path: ["demand", "onlineUsers"],
      layer: null,
      needed: demand.onlineUsers,
      have: of(({ onlineUsers }) => onlineUsers),
      perUser: 1,
    },
    {
      ...LOGINS,
      path: ["demand", "loginsPerSecond"],
      layer: null,
      needed: demand.loginsPerSecond,
      have: of(({ loginsPerSecond }) => loginsPerSecond),
      perUser: null,
    },
  ];
  return dimensions.filter(({ needed }) => needed > 0);
}

/** What users cost in each layer, against what its nodes have. A layer of which no set names a node is not described: left out. */
export function layerDimensions(topology: Topology, demand: Demand): Dimension[] {
  return (["access", "logic", "data"] as const).flatMap((layer) => {
    const nodes = topology.nodes.filter((node) => node.layer === layer);
    if (nodes.length === 0) return [];
    return RESOURCES.flatMap(({ field, what, text, written }): Dimension[] => {
      const cost = demand.perUser[layer][field];
      if (cost === 0) return [];
      return [
        {
          what: `${what} in the ${layer} layer`,
          text,
          path: ["demand", "perUser", layer, written],
          layer,
          needed: cost * demand.onlineUsers,
          have: byIdc(topology, nodes, ({ capacity }) => capacity[field]),
          perUser: cost,
        },
      ];
    });
  });
}

function byIdc<T extends { readonly idc: string }>(
  { idcs }: Topology,
  things: readonly T[],
  value: (thing: T) => number,
): number[] {
  const sums = new Map(idcs.map(({ id }) => [id, 0]));
  for (const thing of things) sums.set(thing.idc, sums.get(thing.idc)! + value(thing));
  return [...sums.values()];
}
