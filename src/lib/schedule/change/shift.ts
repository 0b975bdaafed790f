import { countText } from "../../figures.js";
import type { UserPlan } from "../../plan/users/types.js";
import type { UserFilter } from "../../policy/filter.js";
import type { Placement } from "../assign/placement.js";
import type { PolicyClass, PolicyDocument } from "../../policy/document.js";
import type { Problem, UserClass } from "../types.js";
import { type PlanContext, assemble } from "./assemble.js";
import { batchStages, batchesOf, classesOnly } from "./batches.js";
import { gatesUnder } from "./gates.js";
import type { Pace } from "./intent.js";
import { pacePlanned } from "./pace.js";
import { changePolicy } from "./policy-part.js";
import { problemNow } from "./problem.js";
import { askedOf } from "./proposal.js";
import { recut } from "./recut.js";
import { type Objection, overridden } from "./rules/registry.js";
import { againstFractions } from "./rules/fractions.js";
import { assertSafe } from "./rules/refusal.js";
import type { Service } from "./service.js";
import { type Situation, deadSites } from "./situation.js";
import { leavingFrom, recallSteps, reloginSteps, watchStep } from "./stages.js";
import { type View, viewOf } from "./view.js";

/** What a person wants: a part of a site's users belongs elsewhere from now on. */
export interface Shift {
  /** On whose account users are told: a part of its name. */
  readonly id: string;
  readonly from: string;
  /** Each site's weight among those that get users. */
  readonly to: ReadonlyMap<string, number>;
  readonly filter: Pick<UserFilter, "carrier" | "province">;
  /** Of those who are online at the site now; null for all. */
  readonly users: number | null;
  /** So many at a time, each batch once the receivers have shown that they bear the one before; null for a tenth of them. */
  readonly batch: number | null;
  readonly reason: string;
  readonly actor: string;
  readonly pace: Pace;
  readonly overrides: readonly string[];
}

/** A shift worked out: what it does to the sites, and what stands in its way. */
export interface ShiftProposal {
  readonly shift: Shift;
  readonly situation: Situation;
  readonly view: View;
  readonly objections: readonly Objection[];
  /** Of the users at the site whom the filter means, 0..1. */
  readonly share: number;
  readonly batches: number;
}

/**
 * The plan of a shift in a situation; null where nobody is there who could be moved.
 * @throws OpsError (exit 3) `unsafe`, (exit 64) `bad-flag` for too many batches
 */
export function planShiftIn(
  { topology, demand, costs }: Service,
  situation: Situation,
  shift: Shift,
  context: PlanContext,
): UserPlan | null {
  const problem = problemNow(topology, demand, situation, [], costs);
  const proposal = proposeShift(shift, situation, problem);
  if (proposal.view.moves.reduce((sum, { users }) => sum + users, 0) < 1) return null;
  assertSafe(proposal.objections);
  return planOfShift(proposal, context);
}

/**
 * `problem`: the users as they are now.
 * @throws OpsError (exit 64) `bad-flag` for too many batches
 */
export function proposeShift(shift: Shift, situation: Situation, problem: Problem): ShiftProposal {
  const { from, to, filter, users, batch, pace, overrides } = shift;
  const meant = (one: UserClass) => one.site === from && isMeant(one, filter);
  const there = problem.classes.filter(meant).reduce((sum, one) => sum + one.users, 0);
  const count = Math.min(there, users ?? there);
  const share = there === 0 ? 0 : count / there;
  const batches = batchesOf(count, batch);
  const placement: Placement = {
    shares: problem.classes.map((one) => {
      if (one.site === null) return [];
      const targets = meant(one)
        ? reachable(one.carrier, shift, situation.policy)
        : new Map<string, number>();
      if (targets.size === 0) return [{ site: one.site, users: one.users }];
      return [
        { site: one.site, users: one.users * (1 - share) },
        ...[...targets].map(([site, part]) => ({ site, users: one.users * share * part })),
      ];
    }),
  };
  const view = viewOf(problem, situation, placement, askedOf(pace));
  const found = againstFractions(situation, [from, ...to.keys()], filter, view);
  const objections = overridden(found, overrides);
  return { shift, situation, view, share, batches, objections };
}

/** Batch after batch: other fractions, then those whom they move are told. */
export function planOfShift(
  { shift, situation, view, share, batches, objections }: ShiftProposal,
  context: PlanContext,
): UserPlan {
  const { id, from, filter, reason, actor } = shift;
  const { moves, receivers, pace } = view;
  const count = moves.reduce((sum, one) => sum + one.users, 0);
  const watch = watchStep(receivers, situation, gatesUnder(context.gates, objections));
  const home = situation.gateways.filter(({ site }) => site === from);
  const limit = home.reduce((sum, { logins }) => sum + logins.limit, 0);
  const classes = [situation.policy.classes];
  for (let i = 1; i <= batches; i += 1)
    classes.push(shifted(situation.policy, classes.at(-1)!, shift, (share * i) / batches));
  const accountOf = (account: string) => ({ ...filter, port: null, id: account, site: from });
  const drafts = batchStages({
    kind: "shift",
    id,
    classes,
    title: `${countText(Math.round(count / batches))} users of ${from}`,
    relogin: (account) => reloginSteps(leavingFrom([accountOf(account)], situation), pace, null),
    recall: (account) =>
      recallSteps([{ ...accountOf(account), perSecond: limit }], receivers, situation),
    watch,
    seconds: pace.seconds / batches + 2 * context.gates.windowSeconds,
  });
  const last = classesOnly(classes.at(-1)!);
  return assemble(drafts, situation, changePolicy(situation.policy, last, last, 0n), context, {
    change: {
      what: "shift",
      sites: [from],
      reason,
      actor,
      overridden: objections.map(({ rule, message }) => ({ rule, message })),
    },
    moves,
    uncounted: deadSites(situation).filter((site) => site === from),
    receivers,
    pace: pacePlanned(pace),
  });
}

/** The classes with so much of what the site had at first at the others. */
function shifted(
  policy: PolicyDocument,
  now: readonly PolicyClass[],
  shift: Shift,
  share: number,
): PolicyClass[] {
  const leaving = (one: PolicyClass) => {
    if (!isMeant(one, shift.filter)) return new Map();
    return new Map([[shift.from, reachable(one.carrier, shift, policy)]]);
  };
  return recut(policy.classes, now, leaving, share);
}

/** Of the sites that get users those that the carrier reaches, with their weights as parts of one. */
function reachable(carrier: string, { to }: Shift, { sites }: PolicyDocument): Map<string, number> {
  const isBound = Object.values(sites).some(({ carriers }) => carriers.includes(carrier));
  const open = [...to].filter(([site]) => !isBound || sites[site]?.carriers.includes(carrier));
  const sum = open.reduce((all, [, weight]) => all + weight, 0);
  return new Map(open.map(([site, weight]) => [site, weight / sum]));
}

function isMeant(
  one: { readonly carrier: string; readonly province: string },
  { carrier, province }: Shift["filter"],
): boolean {
  return (
    (carrier === null || carrier === one.carrier) &&
    (province === null || province === one.province)
  );
}
