import { layerDimensions } from "../topology/capacity/dimensions.js";
import { type Demand, type Share, type Topology, UNLISTED } from "../topology/types.js";
import type { Limit, Site, UserClass } from "./types.js";

/** What a topology says of the problem. Logins are those that a set is rated for. */
export function sitesOf({ sets, idcs }: Topology): Site[] {
  const byId = new Map(idcs.map((idc) => [idc.id, idc]));
  return sets.map(({ id, idc, region, capacity }) => ({
    id,
    idc,
    region,
    loginsPerSecond: capacity.loginsPerSecond,
    carriers: byId.get(idc)!.carriers,
  }));
}

/** What sets are rated for, what the layers of an idc hold, and what the lines of carriers into it take. */
export function limitsOf(topology: Topology, demand: Demand): Limit[] {
  const { idcs, sets, policy } = topology;
  const limit = (what: string, sites: readonly string[], users: number, carrier?: string) => ({
    what,
    sites,
    carrier: carrier ?? null,
    users,
    soft: users * (1 - policy.headroom),
  });
  const inIdc = new Map(idcs.map(({ id }) => [id, [] as string[]]));
  for (const { id, idc } of sets) inIdc.get(idc)!.push(id);
  const rated = sets.map(({ id, capacity }) => limit("users online", [id], capacity.onlineUsers));
  const layers = layerDimensions(topology, demand).flatMap(({ what, have, perUser }) =>
    idcs.map(({ id }, i) => limit(what, inIdc.get(id)!, have[i]! / perUser!)),
  );
  const lines = idcs.flatMap(({ id, carrierUsers }) =>
    Object.entries(carrierUsers).map(([carrier, users]) =>
      limit(`over the line of ${carrier}`, inIdc.get(id)!, users, carrier),
    ),
  );
  return [...rated, ...layers, ...lines].filter(({ sites }) => sites.length > 0);
}

/** All users of the demand, by carrier and province, at no site yet. */
export function classesOf({ onlineUsers, carriers, provinces }: Demand): UserClass[] {
  return withRest(carriers).flatMap((carrier) =>
    withRest(provinces).map((province) => ({
      carrier: carrier.id,
      province: province.id,
      site: null,
      users: onlineUsers * carrier.share * province.share,
    })),
  );
}

function withRest(shares: readonly Share[]): Share[] {
  const rest = 1 - shares.reduce((sum, { share }) => sum + share, 0);
  const all = rest > 1e-9 ? [...shares, { id: UNLISTED, share: rest }] : shares;
  return all.filter(({ share }) => share > 0);
}
