import { countText, durationText } from "../../../figures.js";
import type { UserMove, UserPlan, UserStepDraft } from "../../../plan/users/types.js";
import type { PolicyClass } from "../../../policy/document.js";
import { type PlanContext, type StageDraft, assemble } from "../assemble.js";
import { batchStages, batchesOf, classesOnly } from "../batches.js";
import { gatesUnder } from "../gates.js";
import { pacePlanned } from "../pace.js";
import { type Leaving as Leavers, recut } from "../recut.js";
import {
  leavingBy,
  leavingLater,
  recallSteps,
  reloginSteps,
  reloginWaves,
  watchStep,
} from "../stages.js";
import { problemNow } from "../problem.js";
import { assertSafe } from "../rules/refusal.js";
import type { Service } from "../service.js";
import type { Situation } from "../situation.js";
import { type Drill, type DrillProposal, proposeDrill } from "./drill.js";

/** A hold is watched in so many windows at most. */
const MOST_WATCHES = 60;

const EVERYONE = { carrier: null, province: null, port: null };

/**
 * The plan of a drill in a situation; null where the sites are that full already.
 * @throws OpsError (exit 3) `unsafe`, (exit 64) `bad-flag` for too many batches
 */
export async function planDrillIn(
  { topology, demand, costs }: Service,
  situation: Situation,
  drill: Drill,
  context: PlanContext,
): Promise<UserPlan | null> {
  const problem = problemNow(topology, demand, situation, [], costs);
  const proposal = await proposeDrill(drill, situation, problem);
  if (proposal === null) return null;
  assertSafe(proposal.objections);
  return planOfDrill(proposal, context);
}

/**
 * Batch after batch there, the hold, and back: at the end the policy is the one of the beginning.
 * @throws OpsError (exit 64) `bad-flag` for too many batches
 */
export function planOfDrill(proposal: DrillProposal, context: PlanContext): UserPlan {
  const { drill, situation, view, back, objections } = proposal;
  const { id, sites, upTo, batch, holdMs, reason, actor } = drill;
  const { moves, receivers, pace } = view;
  const { policy } = situation;
  const { windowSeconds } = context.gates;
  const count = moves.reduce((sum, one) => sum + one.users, 0);
  const batches = batchesOf(count, batch);
  const classes = [policy.classes];
  for (let i = 1; i <= batches; i += 1)
    classes.push(recut(policy.classes, classes.at(-1)!, leavers(proposal), i / batches));
  const gates = gatesUnder(context.gates, objections);
  const watch = watchStep(receivers, situation, gates);
  const donors = back.receivers.map(({ logins }) => logins.limit);
  const recallPace = Math.min(
    back.pace.perSecond,
    donors.reduce((sum, limit) => sum + limit, 0),
  );
  const homeward = moves.map(({ from: to, to: from, ...move }): UserMove => ({
    ...move,
    from,
    to,
  }));
  const returning = reloginWaves(
    leavingLater(homeward, { entry: `${id}-home`, filter: EVERYONE, home: null }, situation),
    back.pace,
    watchStep(back.receivers, situation, gates),
  );
  const watched = returning.flat().filter(({ kind }) => kind === "receivers").length;
  const drafts: StageDraft[] = [
    ...batchStages({
      kind: "drill",
      id,
      classes,
      title: `${countText(Math.round(count / batches))} users to ${sites.join(", ")}`,
      relogin: (account) =>
        reloginSteps(
          leavingBy(moves, { entry: account, filter: EVERYONE, home: null }, situation),
          pace,
          null,
        ),
      recall: (account) =>
        recallSteps([{ ...EVERYONE, id: account, perSecond: recallPace }], receivers, situation),
      watch,
      seconds: pace.seconds / batches + 2 * windowSeconds,
    }),
    {
      kind: "hold",
      title: `${sites.join(", ")} at ${Math.round(upTo * 100)}% for ${durationText(holdMs)}`,
      waves: holdWaves(watch, holdMs / 1_000, windowSeconds),
      how: "nothing was changed",
      seconds: holdMs / 1_000,
    },
    {
      kind: "return",
      title: "Everyone goes back to where they were",
      waves: [
        [
          {
            kind: "policy",
            before: classesOnly(classes.at(-1)!),
            after: classesOnly(policy.classes),
          },
        ],
        ...returning,
      ],
      how: "publish the fractions of the peak: the batches are taken back then, one after the other",
      seconds: back.pace.seconds + watched * windowSeconds,
    },
  ];
  return assemble(drafts, situation, policy, context, {
    change: {
      what: "drill",
      sites,
      reason,
      actor,
      overridden: objections.map(({ rule, message }) => ({ rule, message })),
    },
    moves,
    receivers,
    pace: pacePlanned(pace),
  });
}

/** Of a class at a site, those who go, by the users who are there now. */
function leavers({ problem: { classes }, placement: { shares } }: DrillProposal): Leavers {
  const parts = new Map<string, Map<string, Map<string, number>>>();
  const keyOf = ({ carrier, province }: Pick<PolicyClass, "carrier" | "province">) =>
    JSON.stringify([carrier, province]);
  for (const [i, one] of classes.entries()) {
    const going = shares[i]!.filter(({ site, users }) => site !== one.site && users > 0);
    if (one.site === null || going.length === 0) continue;
    const ofClass = parts.get(keyOf(one)) ?? new Map<string, Map<string, number>>();
    ofClass.set(one.site, new Map(going.map(({ site, users }) => [site, users / one.users])));
    parts.set(keyOf(one), ofClass);
  }
  return (one) => parts.get(keyOf(one)) ?? new Map();
}

/** In windows no shorter than those of the gates, so that a run that is taken up again goes on in the middle. */
function holdWaves(
  watch: ReturnType<typeof watchStep>,
  seconds: number,
  windowSeconds: number,
): UserStepDraft[][] {
  const count = Math.min(MOST_WATCHES, Math.max(1, Math.floor(seconds / windowSeconds)));
  const gates = { ...watch.gates, windowSeconds: seconds / count };
  return Array.from({ length: count }, () => [{ ...watch, gates }]);
}
