import type { Demand, Topology } from "../../topology/types.js";
import { classesOf, limitsOf, sitesOf } from "../problem.js";
import type { Closure, Costs, Problem, Site } from "../types.js";
import { loginsOf } from "./view.js";
import { type Situation, deadSites, usersMissing, usersOnline } from "./situation.js";

/** The users as they are now, the sites that are closed to them and those that `leaving` closes besides. */
export function problemNow(
  topology: Topology,
  demand: Demand,
  situation: Situation,
  leaving: readonly Closure[],
  costs: Costs,
): Problem {
  const { policy, now } = situation;
  const dead = deadSites(situation);
  const online = usersOnline(situation);
  return {
    sites: liveSites(topology, situation),
    limits: limitsOf(topology, demand),
    classes: [...online, ...usersMissing(situation, online, dead, classesOf(demand))],
    closed: [
      ...leaving,
      ...dead.map((site) => ({ site, carrier: null, province: null })),
      // Nobody can be sent to a site of which the policy has no address: it came after.
      ...topology.sets
        .filter(({ id }) => !Object.hasOwn(policy.sites, id))
        .map(({ id }) => ({ site: id, carrier: null, province: null })),
      // An entry for one port leaves the others.
      ...policy.entries.filter(({ port, expires }) => port === null && now < expires),
    ],
    costs,
    moves: null,
  };
}

/**
 * With the logins that they have to spare, as the gateways say; where none says anything, as the topology does. One that had none in the
 * last second is still a place to be: what it gets is for the pace, and for the rule of login rates.
 */
export function liveSites(topology: Topology, situation: Situation): Site[] {
  const logins = loginsOf(situation);
  return sitesOf(topology).map((site) => {
    const known = logins.get(site.id);
    if (known === undefined) return site;
    return { ...site, loginsPerSecond: Math.max(1, known.limit - known.now) };
  });
}
