import type { PlannedEntry } from "../../plan/users.js";
import type { Assignment } from "../assign/assign.js";
import { loadsOf, type Placement } from "../assign/placement.js";
import type { Limit, Problem, UserClass } from "../types.js";
import type { Intent } from "./intent.js";
import { paceOf, type Paced } from "./pace.js";
import { redirectsFrom } from "./redirects.js";
import type { Situation } from "./situation.js";

/** What a change would do, before anybody agreed to it. */
export interface Proposal {
  readonly intent: Intent;
  readonly situation: Situation;
  readonly problem: Problem;
  readonly assignment: Assignment;
  readonly entries: readonly PlannedEntry[];
  readonly moves: readonly Move[];
  readonly receivers: readonly ReceiverView[];
  readonly pace: Paced;
}

export interface Move {
  readonly from: string;
  readonly to: string;
  readonly carrier: string;
  readonly users: number;
}

/** A site that gets users: how it stands, and how it would. */
export interface ReceiverView {
  readonly site: string;
  /** What the set is rated for, users online. */
  readonly capacity: number;
  readonly before: number;
  readonly after: number;
  /** Of its limits the one that is the nearest afterwards. */
  readonly limit: LimitView;
  readonly logins: {
    readonly now: number;
    /** While users are moved. */
    readonly planned: number;
    readonly limit: number;
  };
}

export interface LimitView {
  readonly what: string;
  readonly users: number;
  /** Users that it counts. */
  readonly before: number;
  readonly after: number;
}

/** Puts together what an assignment means for the sites that are left: entries, moves, receivers and pace. */
export function proposalOf(
  intent: Intent,
  situation: Situation,
  problem: Problem,
  assignment: Assignment,
  idOf: (site: string) => string,
): Proposal {
  const { classes, limits } = problem;
  const moves = movesOf(classes, assignment);
  const logins = loginsOf(situation);
  const came = new Map<string, number>();
  for (const { to, users } of moves) came.set(to, (came.get(to) ?? 0) + users);
  const arrivals = [...came].map(([site, users]) => {
    const known = logins.get(site) ?? { now: 0, limit: 0 };
    return { site, users, spare: Math.max(0, known.limit - known.now) };
  });
  const asked =
    intent.pace.kind === "rate"
      ? intent.pace.perSecond
      : intent.pace.kind === "unpaced"
        ? Infinity
        : null;
  const pace = paceOf(arrivals, asked);
  const before = loadsOf(limits, problem, stayed(classes));
  const after = loadsOf(limits, problem, assignment);
  const online = (placement: Placement, site: string) =>
    placement.shares.flat().reduce((sum, one) => (one.site === site ? sum + one.users : sum), 0);
  const receivers = arrivals.map(({ site }): ReceiverView => {
    const known = logins.get(site) ?? { now: 0, limit: 0 };
    return {
      site,
      capacity: rated(limits, site),
      before: online(stayed(classes), site),
      after: online(assignment, site),
      limit: nearest(limits, before, after, site),
      logins: { ...known, planned: known.now + (pace.logins.get(site) ?? 0) },
    };
  });
  return {
    intent,
    situation,
    problem,
    assignment,
    entries: entriesOf(intent, situation, problem, assignment, idOf),
    moves,
    receivers,
    pace,
  };
}

function entriesOf(
  { mode, sites, filter, reason, actor, ttlMs, ramp }: Intent,
  { now, policy }: Situation,
  { classes }: Problem,
  { shares }: Assignment,
  idOf: (site: string) => string,
): PlannedEntry[] {
  return sites.map((site) => ({
    id: idOf(site),
    site,
    ...filter,
    mode,
    reason,
    actor,
    since: now,
    expires: now + ttlMs,
    ramp,
    redirects: redirectsFrom(site, policy.classes, classes, shares),
  }));
}

function movesOf(classes: readonly UserClass[], { shares }: Placement): Move[] {
  const moves = new Map<string, Move>();
  for (const [i, { site: from, carrier }] of classes.entries()) {
    for (const { site: to, users } of shares[i]!) {
      if (from === null || from === to) continue;
      const key = `${from}/${to}/${carrier}`;
      moves.set(key, { from, to, carrier, users: (moves.get(key)?.users ?? 0) + users });
    }
  }
  return [...moves.values()];
}

function stayed(classes: readonly UserClass[]): Placement {
  return { shares: classes.map(({ site, users }) => (site === null ? [] : [{ site, users }])) };
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

/** The narrowest of what the site alone has. */
function rated(limits: readonly Limit[], site: string): number {
  const own = limits.filter(({ sites, carrier }) => carrier === null && sites.length === 1);
  return Math.min(...own.filter(({ sites }) => sites[0] === site).map(({ users }) => users));
}

function nearest(
  limits: readonly Limit[],
  before: readonly number[],
  after: readonly number[],
  site: string,
): LimitView {
  let best: LimitView = { what: "users online", users: Infinity, before: 0, after: 0 };
  for (const [i, { sites, users, what }] of limits.entries()) {
    if (!sites.includes(site) || after[i]! / users <= best.after / best.users) continue;
    best = { what, users, before: before[i]!, after: after[i]! };
  }
  return best;
}
