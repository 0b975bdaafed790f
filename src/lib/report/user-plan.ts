import { countText, durationText } from "../figures.js";
import { sayStep } from "../plan/say.js";
import type { UserPlan, UserStage } from "../plan/users/types.js";
import { wrap } from "../wrap.js";
import { columns } from "./columns.js";
import { stepLines } from "./plan-steps.js";
import { percentText } from "./share.js";
import type { TextOptions } from "./text-options.js";

const MOVES_SHOWN = 20;

/** Who moves where, what that does to the sites that get them, and how: for the person who has to agree to it. */
export function userPlanText(plan: UserPlan, options: TextOptions): string {
  const out = (text: string, indent: number) => wrap(text, options.width, indent);
  const { change, silent, stages } = plan;
  return [
    ...out(`Plan ${plan.hash.slice(0, 12)} for ${plan.topology.name}, made ${plan.createdAt}`, 2),
    "",
    ...out(
      `  does   ${change.what} ${change.sites.join(", ")}: ${change.reason} (${change.actor})`,
      9,
    ),
    ...out(`  moves  ${movesText(plan)}`, 9),
    ...change.overridden.flatMap(({ rule, message }) => out(`  over   ${rule}: ${message}`, 9)),
    ...silent.flatMap(({ node, why }) => out(`  silent ${node} is told nothing: ${why}`, 9)),
    ...whoMovesLines(plan, options),
    "",
    "Stages",
    ...stages.flatMap((stage) => userStageLines(stage, options)),
  ].join("\n");
}

/** Who moves, and what that does to the sites that get them. */
export function whoMovesLines(plan: UserPlan, { width }: TextOptions): string[] {
  const { moves, receivers } = plan;
  return [
    ...(moves.length === 0 ? [] : ["", "Who moves", columns(moveRows(plan), width)]),
    ...(receivers.length === 0 ? [] : ["", "Where to", columns(receiverRows(plan), width)]),
  ];
}

/** How many, how fast, and what no pace is below. */
export function movesText({
  change,
  moves,
  pace: { perSecond, seconds, boundSeconds },
}: UserPlan): string {
  const users = moves.reduce((sum, one) => sum + one.users, 0);
  if (users < 1) return "nobody who is connected";
  if (change.what === "mask")
    return `of ${countText(Math.round(users))} users those who log in while it lasts`;
  if (perSecond === null) return `${countText(Math.round(users))} users, all at once`;
  const least =
    boundSeconds === null
      ? "a site that gets some takes no more logins now"
      : `no pace takes less than ${durationText(boundSeconds * 1000)}`;
  const bound = `${durationText(seconds * 1000)}; ${least}`;
  return `${countText(Math.round(users))} users, ${countText(Math.round(perSecond))} a second: ${bound}`;
}

function moveRows({ moves }: UserPlan): string[][] {
  const sorted = moves.toSorted((a, b) => b.users - a.users);
  const rows = sorted
    .slice(0, MOVES_SHOWN)
    .map(({ from, to, carrier, users }) => [
      `  ${from} -> ${to}`,
      countText(Math.round(users)),
      carrier,
    ]);
  const more = sorted.length - rows.length;
  return more === 0 ? rows : [...rows, [`  and ${more} more`, "", ""]];
}

function receiverRows({ receivers }: UserPlan): string[][] {
  return receivers.map(({ site, limit, before, after, logins }) => {
    const users = `${countText(Math.round(before))} -> ${countText(Math.round(after))} users`;
    const full = `${percentText(limit.before / limit.users)} -> ${percentText(limit.after / limit.users)} ${limit.what}`;
    const planned = logins.planned === null ? "all at once" : countText(Math.round(logins.planned));
    const rate = `logins/s ${countText(logins.now)} -> ${planned} of ${countText(logins.limit)}`;
    return [`  ${site}`, users, full, rate];
  });
}

export function userStageLines(stage: UserStage, options: TextOptions): string[] {
  const { seconds } = stage.estimate;
  const time = seconds >= 1 ? `, about ${durationText(seconds * 1000)}` : "";
  const steps = stage.waves
    .flat()
    .map((step) => ({ step: step.id, kind: step.kind, ...sayStep(step) }));
  return [
    ...wrap(`  ${stage.id}: ${stage.title}${time}`, options.width, 4),
    ...stepLines(steps, options).flatMap((line) => wrap(`      ${line}`, options.width, 8)),
    ...wrap(`    undo: ${stage.undo.how}`, options.width, 10),
  ];
}
