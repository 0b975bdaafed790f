import type { PolicyClass, PolicySite } from "../../../policy/document.js";
import { assign } from "../../assign/assign.js";
import { type Placement, type Share, staying } from "../../assign/placement.js";
import { moveCosts } from "../../assign/levels.js";
import { reachOf } from "../../assign/reach.js";
import { limitsOf } from "../../problem.js";
import { type Known, pairsOf } from "../../quality/tolls.js";
import { type Problem, type UserClass, isSomeone } from "../../types.js";
import { antiFlap, changedJustNow } from "../rules/anti-flap.js";
import { tooManyLogins } from "../rules/login-rate.js";
import { type Objection, overridden } from "../rules/registry.js";
import { noRoom } from "../rules/room.js";
import type { Service } from "../service.js";
import type { Situation } from "../situation.js";
import { type View, viewOf } from "../view.js";
import { classAsPlaced } from "./fractions.js";
import { roundProblem } from "./problem.js";
import { type Part, populationOf } from "./users.js";

/** Of the users online; what would move fewer is left as it is. */
const LEAST_SHARE = 0.001;

/** One round of a balance: users go to where they are better off, a few at a time. */
export interface Round {
  /** On whose account users are told: a part of its name. */
  readonly id: string;
  readonly reason: string;
  readonly actor: string;
  /** Of the users online, at most so many, 0..1. */
  readonly most: number;
  /** Where clients connect to each site. */
  readonly sites: Readonly<Record<string, PolicySite>>;
  readonly overrides: readonly string[];
  /** One that follows another by itself: what that changed is not in its way, being damped already. */
  readonly isOneOfMany: boolean;
}

/** What a round comes to, for whoever has to agree to it. */
export interface RoundFigures {
  readonly online: number;
  readonly moved: number;
  /** Would have moved, and are too few to be worth a change. */
  readonly tooFew: number;
  /** Of the ways between users and sites that they reach. */
  readonly pairs: { readonly measured: number; readonly all: number };
  /**
   * Means, ms. What a round is chosen by is the cost afterwards and the tolls of its moves: no round that keeps to the same limits
   * gets the two together lower than `bound`.
   */
  readonly cost: {
    readonly before: number;
    readonly after: number;
    readonly tolls: number;
    readonly bound: number;
  };
}

export interface RoundProposal {
  readonly round: Round;
  readonly situation: Situation;
  /** Afterwards. */
  readonly classes: readonly PolicyClass[];
  readonly view: View;
  readonly figures: RoundFigures;
  readonly objections: readonly Objection[];
}

/**
 * The exact optimum under the limits of the round (docs/moving-users.md, "Balance"), or nothing where that is too little. What leads
 * to sites that are gone, or out of reach, is mended in any case.
 */
export async function proposeRound(
  { topology, demand }: Pick<Service, "topology" | "demand">,
  situation: Situation,
  round: Round,
  known: Known,
): Promise<RoundProposal> {
  const population = populationOf(situation, demand);
  const { classes, parts, online } = population;
  const service = { topology, demand };
  const problem = roundProblem(service, situation, round.sites, population, known, round.most);
  const best = await assign(problem);
  const movable = parts.filter(({ isFixed }) => !isFixed);
  const placed = movable.map((one, i) => withPlace(one, best.shares[i]!));
  const wanted = usersMoved(movable, placed);
  const isWorth = wanted >= Math.max(1, LEAST_SHARE * online);
  const mustGo = astray(problem);
  const kept = new Map(
    movable.map((one, i) => [one, isWorth || mustGo(one) ? placed[i]! : withPlace(one, [])]),
  );
  const shares = parts.map((one) => kept.get(one) ?? withPlace(one, []));
  const everyone: Problem = { ...problem, classes: parts, limits: limitsOf(topology, demand) };
  const view = viewOf(everyone, situation, { shares }, null);
  const messages = [
    ...noRoom(best.shortage).map((message) => ({ rule: "room", message })),
    ...tooManyLogins(view.receivers, view.pace).map((message) => ({ rule: "login-rate", message })),
    ...changedJustNow(
      [...new Set(view.moves.flatMap(({ from, to }) => [from, to]))].toSorted(),
      situation,
      ({ what }) => !(round.isOneOfMany && what === "balance"),
    ).map((message) => ({ rule: antiFlap.id, message })),
  ];
  const after = movable.map((one) => kept.get(one)!);
  const level = best.levels.find(({ name }) => name === "cost")!;
  return {
    round,
    situation,
    classes: classes.flatMap((one, of) => classAsPlaced(one, of, parts, shares)),
    view,
    figures: {
      online,
      moved: usersMoved(parts, shares),
      tooFew: isWorth || !isSomeone(wanted) ? 0 : wanted,
      pairs: pairsOf(problem, known),
      cost: {
        before: meanCost(problem, staying(movable)),
        after: meanCost(problem, { shares: after }),
        tolls: meanTolls(problem, { shares: after }),
        bound: level.bound / Math.max(1, total(movable)),
      },
    },
    objections: overridden(messages, round.overrides),
  };
}

/** Whoever has no place stays. */
function withPlace({ site, users }: Part, shares: readonly Share[]): readonly Share[] {
  const left = users - shares.reduce((sum, share) => sum + share.users, 0);
  return site === null || left <= 0 ? shares : [...shares, { site, users: left }];
}

function usersMoved(parts: readonly Part[], shares: Placement["shares"]): number {
  return parts.reduce((sum, { site, users, isNobody }, i) => {
    const stay = shares[i]!.reduce((all, one) => (one.site === site ? all + one.users : all), 0);
    return site === null || isNobody ? sum : sum + (users - stay);
  }, 0);
}

/** Whether users have no site yet, or one where nobody of them can be. */
function astray(problem: Problem): (one: UserClass) => boolean {
  const reach = reachOf(problem);
  const index = new Map(problem.sites.map(({ id }, i) => [id, i]));
  return (one) => {
    const at = one.site === null ? undefined : index.get(one.site);
    return at === undefined || !reach(one).includes(at);
  };
}

function meanCost(problem: Problem, placement: Placement): number {
  return mean(problem, placement, ({ carrier, province }) => problem.costs(carrier, province));
}

/** Of what the moves of those cost besides who could stay. */
function meanTolls(problem: Problem, placement: Placement): number {
  const index = new Map(problem.sites.map(({ id }, i) => [id, i]));
  const mustGo = astray(problem);
  return mean(problem, placement, (one) => {
    const tolls = problem.moves!.tolls(one.carrier, one.province);
    const home = mustGo(one) ? null : index.get(one.site!)!;
    return moveCosts(
      tolls.map(() => 0),
      tolls,
      home,
    );
  });
}

/** Of those who have a site that there is. */
function mean(
  { sites, classes }: Problem,
  { shares }: Placement,
  rowOf: (one: UserClass) => readonly number[],
): number {
  const index = new Map(sites.map(({ id }, i) => [id, i]));
  let [users, cost] = [0, 0];
  for (const [i, of] of classes.entries()) {
    const row = rowOf(of);
    for (const one of shares[i]!) {
      const at = index.get(one.site);
      if (at === undefined) continue;
      users += one.users;
      cost += one.users * row[at]!;
    }
  }
  return users === 0 ? 0 : cost / users;
}

function total(parts: readonly Part[]): number {
  return parts.reduce((sum, { users }) => sum + users, 0);
}
