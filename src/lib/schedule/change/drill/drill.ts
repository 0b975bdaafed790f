import { countText } from "../../../figures.js";
import { fractionsOf } from "../../../policy/fractions.js";
import type { PolicyDocument } from "../../../policy/document.js";
import { type Assignment, assign } from "../../assign/assign.js";
import { type Placement, arrivalsOf } from "../../assign/placement.js";
import { type Problem, type UserClass, isSomeone } from "../../types.js";
import type { Pace } from "../intent.js";
import { askedOf } from "../proposal.js";
import { againstFractions } from "../rules/fractions.js";
import { type Objection, overridden } from "../rules/registry.js";
import { room } from "../rules/room.js";
import { loginRate, tooManyLogins } from "../rules/login-rate.js";
import type { Situation } from "../situation.js";
import { type View, rated, viewOf } from "../view.js";
import { fillingProblem, isOfDrill } from "./filling.js";
import { type WayBack, wayBackOf } from "./way-back.js";

/** What a person wants: sites get users of the others until they are so full, are watched for a while, and give them back. */
export interface Drill {
  /** On whose account users are told: a part of its name. */
  readonly id: string;
  /** Sets. */
  readonly sites: readonly string[];
  /** Of the users online that each of them is rated for, 0..1. One that has more already gets nobody. */
  readonly upTo: number;
  /** So many at a time, each batch once the sites have shown that they bear the one before; null for a tenth of them. */
  readonly batch: number | null;
  readonly holdMs: number;
  readonly reason: string;
  readonly actor: string;
  readonly pace: Pace;
  readonly overrides: readonly string[];
}

/** A drill worked out: who goes there, and what stands in its way. */
export interface DrillProposal {
  readonly drill: Drill;
  readonly situation: Situation;
  /** The users as they are now, and where they are at the peak. */
  readonly problem: Problem;
  readonly placement: Placement;
  readonly assignment: Assignment;
  readonly view: View;
  readonly back: WayBack;
  readonly objections: readonly Objection[];
}

/**
 * Null where every site of it is that full already. Otherwise exactly so many users come to each as it lacks: of all ways to do that
 * the one that costs least, by the planner that decides wherever users are moved.
 */
export async function proposeDrill(
  drill: Drill,
  situation: Situation,
  problem: Problem,
): Promise<DrillProposal | null> {
  const { policy } = situation;
  const lacks = lacking(drill, problem);
  const wanted = [...lacks.values()].reduce((sum, users) => sum + users, 0);
  if (!isSomeone(wanted)) return null;
  const isMovable = (one: UserClass) => !lacks.has(one.site ?? "") && hasHome(policy, one);
  const filling = fillingProblem(problem, lacks, isMovable);
  const assignment = await assign(filling);
  const came = arrivalsOf(filling, assignment);
  const found = [...came.values()].reduce((sum, users) => sum + users, 0);
  const placement = merged(problem, filling, assignment, lacks);
  const view = viewOf(problem, situation, placement, askedOf(drill.pace));
  const back = wayBackOf(view.moves, problem, situation, askedOf(drill.pace));
  const free = filling.classes.reduce((sum, { users }) => sum + users, 0);
  const everywhere = { carrier: null, province: null };
  const messages = [
    ...(isSomeone(wanted - found)
      ? [{ rule: room.id, message: tooFew(drill, { wanted, found, free }, assignment) }]
      : []),
    ...againstFractions(situation, Object.keys(policy.sites), everywhere, view),
    ...tooManyLogins(back.receivers, back.pace).map((message) => ({ rule: loginRate.id, message })),
  ];
  const objections = overridden(messages, drill.overrides);
  return { drill, situation, problem, placement, assignment, view, back, objections };
}

/** Of each site of the drill, how many users it lacks. */
function lacking({ sites, upTo }: Drill, { classes, limits }: Problem): Map<string, number> {
  return new Map(
    sites.map((site) => {
      const here = classes.filter((one) => one.site === site);
      const online = here.reduce((sum, { users }) => sum + users, 0);
      return [site, Math.max(0, rated(limits, site) * upTo - online)];
    }),
  );
}

/** Whether other fractions would move users of the class away from where they are. */
function hasHome({ classes }: PolicyDocument, { carrier, province, site }: UserClass): boolean {
  const own = classes.find((one) => one.carrier === carrier && one.province === province);
  return site !== null && (fractionsOf(own?.base ?? []).get(site) ?? 0) > 0;
}

/** Where everyone is at the peak: those who have no place among those who go stay where they are. */
function merged(
  { classes }: Problem,
  filling: Problem,
  { shares }: Placement,
  lacks: ReadonlyMap<string, number>,
): Placement {
  const going = new Map(filling.classes.map((one, i) => [one, shares[i]!]));
  return {
    shares: classes.map((one) => {
      if (one.site === null) return [];
      const there = (going.get(one) ?? []).filter(({ site }) => lacks.has(site));
      const gone = there.reduce((sum, { users }) => sum + users, 0);
      return [{ site: one.site, users: one.users - gone }, ...there];
    }),
  };
}

function tooFew(
  { sites, upTo }: Drill,
  {
    wanted,
    found,
    free,
  }: { readonly wanted: number; readonly found: number; readonly free: number },
  { shortage }: Assignment,
): string {
  const full = (shortage?.limits ?? []).flatMap((limit) =>
    isOfDrill(limit)
      ? []
      : [`${limit.sites.join(" + ")} has room for ${countText(limit.users)} more ${limit.what}`],
  );
  const why =
    free < wanted
      ? `only ${countText(Math.floor(free))} of the other sites can go there`
      : full.join("; ") || "no more users can go there";
  const lacking = countText(Math.ceil(wanted - found));
  const percent = `${Math.round(upTo * 100)}%`;
  return `${sites.join(", ")} would lack ${lacking} of the ${countText(Math.ceil(wanted))} users that make ${percent}: ${why}`;
}
