import { loadsOf } from "../../assign/placement.js";
import type { Limit, Problem, UserClass } from "../../types.js";

const ASKED = "users of the drill";
const GIVING = "users who may stay";

/** Not what a site has, but what the drill wants. */
export function isOfDrill({ what }: Limit): boolean {
  return what === ASKED || what === GIVING;
}

/**
 * The problem of which the best answer is who goes: only the sites of `lacks` take anybody, each just as many as it lacks, and the others
 * must give so many. Users who cannot be moved are no part of it; their part of the limits is taken already.
 */
export function fillingProblem(
  problem: Problem,
  lacks: ReadonlyMap<string, number>,
  isMovable: (one: UserClass) => boolean,
): Problem {
  const { sites, limits, classes } = problem;
  const movable = classes.filter(isMovable);
  const standing = { ...problem, classes: classes.filter((one) => !isMovable(one)) };
  const taken = loadsOf(limits, standing, {
    shares: standing.classes.map(({ site, users }) => (site === null ? [] : [{ site, users }])),
  });
  const room = limits.map((limit, i) => ({
    ...limit,
    users: Math.max(0, limit.users - taken[i]!),
    soft: Math.max(0, limit.soft - taken[i]!),
  }));
  const asked = [...lacks].map(([site, users]) => most(ASKED, [site], users));
  const all = movable.reduce((sum, { users }) => sum + users, 0);
  const wanted = [...lacks.values()].reduce((sum, users) => sum + users, 0);
  const others = sites.flatMap(({ id }) => (lacks.has(id) ? [] : [id]));
  const giving = most(GIVING, others, Math.max(0, all - wanted));
  return {
    ...problem,
    // A site that takes no logins keeps those that it has.
    sites: sites.map((site) => (lacks.has(site.id) ? site : { ...site, loginsPerSecond: 0 })),
    limits: [...room, ...asked, giving],
    classes: movable,
    moves: null,
  };
}

function most(what: string, sites: readonly string[], users: number): Limit {
  return { what, sites, carrier: null, users, soft: users };
}
