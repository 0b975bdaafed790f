import { EXIT, OpsError } from "../../errors.js";
import { countText } from "../../figures.js";
import type { PolicyPart, UserPlan } from "../../plan/users/types.js";
import type { UserFilter } from "../../policy/filter.js";
import type { Placement } from "../assign/placement.js";
import { level } from "../../policy/level.js";
import { cut } from "../../policy/cut.js";
import { fractionsOf } from "../../policy/fractions.js";
import type { PolicyClass, PolicyDocument } from "../../policy/document.js";
import type { Problem, UserClass } from "../types.js";
import { type PlanContext, type StageDraft, assemble } from "./assemble.js";
import { batchStage } from "./batch.js";
import type { Pace } from "./intent.js";
import { paceOf, pacePlanned } from "./pace.js";
import { changePolicy } from "./policy-part.js";
import { askedOf } from "./proposal.js";
import { type Objection, overridden } from "./rules/registry.js";
import { overlap } from "./rules/one-at-a-time.js";
import { tooManyLogins } from "./rules/login-rate.js";
import type { Situation } from "./situation.js";
import { leavingFrom, reloginSteps, watchStep } from "./stages.js";
import { type View, viewOf } from "./view.js";

/** Batches when nobody says how many. */
const BATCHES = 10;
/** Each is a stage of the plan, and two windows of watching. */
const MOST_BATCHES = 1_000;

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
 * `problem`: the users as they are now.
 * @throws OpsError (exit 2) `bad-flag` for too many batches
 */
export function proposeShift(shift: Shift, situation: Situation, problem: Problem): ShiftProposal {
  const { from, filter, users, batch, pace } = shift;
  const meant = (one: UserClass) => one.site === from && isMeant(one, filter);
  const there = problem.classes.filter(meant).reduce((sum, one) => sum + one.users, 0);
  const count = Math.min(there, users ?? there);
  const share = there === 0 ? 0 : count / there;
  const batches = Math.max(1, Math.ceil(count / (batch ?? count / BATCHES) - 1e-9));
  if (batches > MOST_BATCHES) throw tooManyBatches(batches, Math.ceil(count / MOST_BATCHES));
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
  const full = view.receivers.flatMap(({ site, limit }) =>
    limit.after > limit.users
      ? [
          `${site} would have ${countText(Math.round(limit.after))} of ${countText(Math.round(limit.users))} ${limit.what}`,
        ]
      : [],
  );
  const messages = [
    ...full.map((message) => ({ rule: "room", message })),
    ...entriesInTheWay(shift, situation).map((message) => ({ rule: "one-at-a-time", message })),
    ...tooManyLogins(view.receivers).map((message) => ({ rule: "login-rate", message })),
  ];
  const objections = overridden(messages, shift.overrides);
  return { shift, situation, view, share, batches, objections };
}

/** Whom an entry keeps away from a site cannot be told to log in there, and who was moved by one is not where the policy has him. */
function entriesInTheWay({ from, to, filter }: Shift, { policy, now }: Situation): string[] {
  return policy.entries
    .filter(({ site }) => site === from || to.has(site))
    .filter((entry) => overlap(entry, { ...filter, port: null }) && level(entry, now) > 0)
    .map(({ site, id, mode, actor }) => `${site} has entry ${id} (${mode}, by ${actor})`);
}

function tooManyBatches(batches: number, least: number): OpsError {
  return new OpsError("bad-flag", EXIT.usage, `--batch makes ${batches} batches`, {
    hint: `at most ${MOST_BATCHES} are planned: give --batch ${least} or more`,
  });
}

/** Batch after batch: other fractions, then those whom they move are told. */
export function planOfShift(
  { shift, situation, view, share, batches, objections }: ShiftProposal,
  context: PlanContext,
): UserPlan {
  const { id, from, filter, reason, actor, pace: asked } = shift;
  const { moves, receivers } = view;
  const count = moves.reduce((sum, one) => sum + one.users, 0);
  const watch = watchStep(receivers, situation, context.gates);
  const home = situation.gateways.filter(({ site }) => site === from);
  const own = home.reduce((all, { logins }) => all + logins.perSecond, 0);
  // The logins that one of those who are moved makes by itself, a second.
  const each = count === 0 ? 0 : (own * share) / count;
  const part = receivers.map(({ site, after, before, logins }) => {
    const coming = (after - before) / batches;
    const spare = Math.max(0, logins.limit - logins.now);
    return { site, users: coming, spare, own: each * coming };
  });
  const pace = paceOf(part, askedOf(asked));
  let base = situation.policy.classes;
  const drafts = Array.from({ length: batches }, (_, i): StageDraft => {
    const account = { ...filter, port: null, id: `${id}-${i + 1}`, site: from };
    const before: PolicyPart = { entries: [], classes: base, sites: null };
    base = shifted(situation.policy, base, shift, (share * (i + 1)) / batches);
    const after: PolicyPart = { entries: [], classes: base, sites: null };
    const relogins = reloginSteps(leavingFrom([account], situation), pace, null);
    return batchStage(
      {
        kind: "shift",
        title: `Batch ${i + 1} of ${batches}: ${countText(Math.round(count / batches))} users of ${from}`,
        accounts: [account],
        from: [from],
        before,
        after,
        receivers,
        told: [[watch], relogins, [watch]],
        seconds: pace.seconds + 2 * context.gates.windowSeconds,
      },
      situation,
    );
  });
  const last: PolicyPart = { entries: [], classes: base, sites: null };
  return assemble(drafts, situation, changePolicy(situation.policy, last, last, 0n), context, {
    change: {
      what: "shift",
      sites: [from],
      reason,
      actor,
      overridden: objections.map(({ rule, message }) => ({ rule, message })),
    },
    moves,
    receivers,
    pace: pacePlanned({
      ...pace,
      seconds: pace.seconds * batches,
      boundSeconds: pace.boundSeconds * batches,
    }),
  });
}

/** The classes with so much of what the site had at first at the others. */
function shifted(
  policy: PolicyDocument,
  now: readonly PolicyClass[],
  shift: Shift,
  share: number,
): PolicyClass[] {
  return policy.classes.map((first, i) => {
    const targets = isMeant(first, shift.filter)
      ? reachable(first.carrier, shift, policy)
      : new Map<string, number>();
    const fractions = fractionsOf(first.base);
    const had = fractions.get(shift.from) ?? 0;
    if (had === 0 || targets.size === 0) return now[i]!;
    fractions.set(shift.from, had * (1 - share));
    for (const [site, part] of targets)
      fractions.set(site, (fractions.get(site) ?? 0) + had * share * part);
    return { ...first, base: cut(now[i]!.base, fractions) };
  });
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
