import type { ReceiverView, UserMove } from "../../plan/users/types.js";
import { loadsOf, type Placement, staying } from "../assign/placement.js";
import type { Limit, Problem, UserClass } from "../types.js";
import { finite, paceOf, type Paced } from "./pace.js";
import { type Situation, deadSites } from "./situation.js";

/** What a placement means for the sites that get users. */
export interface View {
  readonly moves: readonly UserMove[];
  readonly receivers: readonly ReceiverView[];
  readonly pace: Paced;
}

/**
 * `asked`: logins a second, Infinity for all at once; null for as fast as the receivers take them. `again`: of those who stay at their
 * site the ones who log in there once more.
 */
export function viewOf(
  problem: Problem,
  situation: Pick<Situation, "gateways" | "silent">,
  placement: Placement,
  asked: number | null,
  again: readonly UserMove[] = [],
): View {
  const { classes, limits } = problem;
  const stays = staying(classes);
  const moves = [...movesOf(classes, placement), ...again];
  const logins = loginsOf(situation);
  const at = (site: string) => logins.get(site) ?? { now: 0, limit: 0 };
  // Those of a dead site come by themselves, at no pace of ours.
  const dead = deadSites(situation);
  const came = new Map(moves.map(({ to }) => [to, { users: 0, own: 0 }]));
  for (const { from, to, users } of moves) {
    if (dead.includes(from)) continue;
    const known = came.get(to)!;
    // What those who stay make by themselves they make at the site as it is.
    const own = from === to ? 0 : (at(from).now * users) / online(stays, from);
    came.set(to, { users: known.users + users, own: known.own + own });
  }
  const arrivals = [...came].map(([site, coming]) => {
    const { now, limit } = at(site);
    return { site, ...coming, spare: Math.max(0, limit - now) };
  });
  const pace = paceOf(arrivals, asked);
  const [before, after] = [stays, placement].map((one) => loadsOf(limits, problem, one));
  const receivers = arrivals.map(({ site }): ReceiverView => {
    const { now, limit } = at(site);
    const planned = now + (pace.logins.get(site) ?? 0);
    return {
      site,
      capacity: rated(limits, site),
      before: online(stays, site),
      after: online(placement, site),
      limit: nearest(limits, before!, after!, site),
      logins: { now, limit, planned: finite(planned) },
    };
  });
  return { moves, receivers, pace };
}

/** The logins of each site, over its gateways. */
export function loginsOf({
  gateways,
}: Pick<Situation, "gateways">): Map<string, { now: number; limit: number }> {
  const sums = new Map<string, { now: number; limit: number }>();
  for (const { site, logins } of gateways) {
    const { now, limit } = sums.get(site) ?? { now: 0, limit: 0 };
    sums.set(site, { now: now + logins.perSecond, limit: limit + logins.limit });
  }
  return sums;
}

function movesOf(classes: readonly UserClass[], { shares }: Placement): UserMove[] {
  const moves = new Map<string, UserMove>();
  for (const [i, { site: from, carrier, province }] of classes.entries()) {
    for (const { site: to, users } of shares[i]!) {
      if (from === null || from === to) continue;
      const key = JSON.stringify([from, to, carrier, province]);
      const before = moves.get(key)?.users ?? 0;
      moves.set(key, { from, to, carrier, province, users: before + users });
    }
  }
  return [...moves.values()];
}

function online({ shares }: Placement, site: string): number {
  return shares.flat().reduce((sum, one) => (one.site === site ? sum + one.users : sum), 0);
}

/** The narrowest of what the site alone has. */
export function rated(limits: readonly Limit[], site: string): number {
  const own = limits.filter(({ sites, carrier }) => carrier === null && sites.length === 1);
  return Math.min(...own.filter(({ sites }) => sites[0] === site).map(({ users }) => users));
}

function nearest(
  limits: readonly Limit[],
  before: readonly number[],
  after: readonly number[],
  site: string,
): ReceiverView["limit"] {
  const own = limits.flatMap(({ sites, users, what }, i) =>
    sites.includes(site) ? [{ what, users, before: before[i]!, after: after[i]! }] : [],
  );
  return own.reduce((best, one) => (one.after / one.users > best.after / best.users ? one : best));
}
