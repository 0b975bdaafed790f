import type { PolicySite } from "../../../policy/document.js";
import { loadsOf, staying } from "../../assign/placement.js";
import { limitsOf } from "../../problem.js";
import type { Known } from "../../quality/tolls.js";
import type { Closure, Limit, Problem, UserClass } from "../../types.js";
import { liveSites } from "../problem.js";
import type { Service } from "../service.js";
import { type Situation, usersOnline } from "../situation.js";
import type { Part, Population } from "./users.js";
import { leftAlone } from "./users.js";

/** Of a limit with its headroom, what is left free by those who come: so that a few users more do not send others away again. */
const BAND = 0.01;

/**
 * The users whom a round may move, where the policy has them. A site with a gateway that does not answer keeps its users and gets
 * none; one that has no address, is dead, or has an entry in force for a carrier gets none of that carrier.
 */
export function roundProblem(
  { topology, demand }: Pick<Service, "topology" | "demand">,
  situation: Situation,
  sites: Readonly<Record<string, PolicySite>>,
  { parts, online, classes }: Population,
  { costs, tolls }: Known,
  most: number,
): Problem {
  const movable = parts.filter(({ isFixed }) => !isFixed);
  const sick = new Set(
    situation.silent.filter(({ role }) => role === "gateway").map(({ site }) => site),
  );
  const isLeft = leftAlone(situation);
  const carriers = [...new Set(classes.map(({ carrier }) => carrier))];
  const closed = topology.sets.flatMap(({ id }): Closure[] => {
    if (!Object.hasOwn(sites, id)) return [{ site: id, carrier: null, province: null }];
    const shut = carriers.filter((carrier) => isLeft(carrier, id));
    return shut.map((carrier) => ({ site: id, carrier, province: null }));
  });
  return {
    sites: liveSites(topology, situation).map((site) =>
      sick.has(site.id) ? { ...site, loginsPerSecond: 0 } : site,
    ),
    limits: leftFor(limitsOf(topology, demand), movable, parts, usersOnline(situation)),
    classes: movable,
    closed,
    costs,
    moves: { most: most * online, tolls },
  };
}

/**
 * The limits less what is there, or comes back there, and is not the round's to move. Nobody has to leave for that: only what is over
 * the headroom now is over it.
 */
function leftFor(
  limits: readonly Limit[],
  movable: readonly Part[],
  parts: readonly Part[],
  online: readonly UserClass[],
): Limit[] {
  const [own, belonging, counted] = [movable, parts, online].map((classes) =>
    loadsOf(limits, { classes }, staying(classes)),
  );
  return limits.map((limit, i) => {
    const now = own![i]!;
    const others = Math.max(belonging![i]!, counted![i]!) - now;
    const users = Math.max(now, limit.users - others);
    const soft = Math.max(Math.min(limit.soft, now), limit.soft * (1 - BAND) - others);
    return { ...limit, users, soft: Math.min(users, soft) };
  });
}
