import { layerDimensions } from "../../topology/capacity/dimensions.js";
import type { Loss } from "../../topology/capacity/losses.js";
import { supplier } from "../../topology/capacity/supply.js";
import type { Demand, Layer, Topology } from "../../topology/types.js";
import { loadsOf, type Placement } from "../assign/placement.js";
import { isSomeone, type Limit, type Problem } from "../types.js";

/** How full something is. */
export interface Use {
  readonly used: number;
  readonly room: number;
}

/** A site, by the limit of its own or of its idc that is the fullest. */
export interface SiteUse extends Use {
  readonly id: string;
  readonly users: number;
  /** What `used` and `room` count. */
  readonly what: string;
}

export interface CarrierUse extends Use {
  readonly id: string;
  readonly unplaced: number;
}

export interface LayerUse extends Use {
  readonly layer: Layer;
  /** `of memory in the access layer`, in its unit. */
  readonly what: string;
}

export interface Uses {
  readonly sites: readonly SiteUse[];
  readonly carriers: readonly CarrierUse[];
  readonly layers: readonly LayerUse[];
  /** Limits that are over their soft limit. */
  readonly over: readonly { readonly limit: Limit; readonly users: number }[];
}

/** What a placement fills, of what is left without the loss. */
export function usesOf(
  topology: Topology,
  demand: Demand,
  problem: Problem,
  placement: Placement,
  loss: Loss | null,
): Uses {
  const loads = loadsOf(problem.limits, problem, placement);
  const sites = problem.sites
    .filter(({ idc }) => !loss?.idcs.has(idc))
    .map(({ id }) => siteUse(id, problem, placement, loads));
  const placed = placement.shares.flat().reduce((sum, { users }) => sum + users, 0);
  const there = (have: readonly number[]) =>
    topology.idcs.reduce((sum, { id }, i) => (loss?.idcs.has(id) ? sum : sum + have[i]!), 0);
  const layers = layerDimensions(topology, demand).map(({ layer, what, have, perUser }) => ({
    layer: layer!,
    what,
    used: placed * perUser!,
    room: there(have),
  }));
  const over = problem.limits.flatMap((limit, i) =>
    isSomeone(loads[i]! - limit.soft) ? [{ limit, users: loads[i]! }] : [],
  );
  return { sites, carriers: carrierUses(topology, demand, problem, placement, loss), layers, over };
}

function siteUse(
  id: string,
  { limits }: Problem,
  placement: Placement,
  loads: readonly number[],
): SiteUse {
  const users = placement.shares
    .flat()
    .reduce((sum, share) => (share.site === id ? sum + share.users : sum), 0);
  const uses = limits.flatMap(({ what, sites, users: room }, i) =>
    sites.includes(id) ? [{ what, used: loads[i]!, room }] : [],
  );
  const fullest = uses.reduce((a, b) => (shareUsed(b) > shareUsed(a) ? b : a));
  return { id, users, ...fullest };
}

/** 0 where nothing is used, whatever the room. */
export function shareUsed({ used, room }: Use): number {
  return used === 0 ? 0 : used / room;
}

/** Room of a carrier is what all its users alone would find in the idcs that it reaches. */
function carrierUses(
  topology: Topology,
  demand: Demand,
  { classes }: Problem,
  { shares }: Placement,
  loss: Loss | null,
): CarrierUse[] {
  const supply = supplier(topology, demand.carriers)(roomOfIdcs(topology, demand), 1);
  const rooms = loss ? supply.without(loss) : supply.now;
  return demand.carriers.map(({ id }, bit) => {
    let [all, used] = [0, 0];
    for (const [i, { carrier, users }] of classes.entries()) {
      if (carrier !== id) continue;
      all += users;
      used += shares[i]!.reduce((sum, one) => sum + one.users, 0);
    }
    return { id, used, room: rooms[1 << bit]!, unplaced: Math.max(0, all - used) };
  });
}

/** Users whom each idc can hold, by what its sets are rated for and by its layers. */
function roomOfIdcs(topology: Topology, demand: Demand): number[] {
  const layers = layerDimensions(topology, demand);
  return topology.idcs.map(({ id }, i) => {
    const rated = topology.sets
      .filter(({ idc }) => idc === id)
      .reduce((sum, { capacity }) => sum + capacity.onlineUsers, 0);
    return Math.min(rated, ...layers.map(({ have, perUser }) => have[i]! / perUser!));
  });
}
