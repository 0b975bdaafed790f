import { durationText } from "../figures.js";
import { sayStep } from "../plan/say.js";
import type { UserPlan, UserStage } from "../plan/users/types.js";
import { wrap } from "../wrap.js";
import { leftOutLines } from "./left-out.js";
import { stepLines } from "./plan-steps.js";
import type { TextOptions } from "./text-options.js";
import { movesText, whoMovesLines } from "./who-moves.js";

/** Who moves where, what that does to the sites that get them, and how: for the person who has to agree to it. */
export function userPlanText(plan: UserPlan, options: TextOptions): string {
  const out = (text: string, indent: number) => wrap(text, options.width, indent);
  const { change, stages, estimate } = plan;
  return [
    ...out(`Plan ${plan.hash.slice(0, 12)} for ${plan.topology.name}, made ${plan.createdAt}`, 2),
    "",
    ...out(
      `  does   ${change.what} ${change.sites.join(", ")}: ${change.reason} (${change.actor})`,
      9,
    ),
    ...out(`  moves  ${movesText(plan)}`, 9),
    ...change.overridden.flatMap(({ rule, message }) => out(`  over   ${rule}: ${message}`, 9)),
    ...silentTexts(plan).flatMap((text) => out(`  silent ${text}`, 9)),
    ...leftOutLines(plan, options),
    ...out(`  time   about ${durationText(Math.max(1, estimate.seconds) * 1000)}`, 9),
    ...whoMovesLines(plan, options),
    "",
    "Stages",
    ...stages.flatMap((stage) => userStageLines(stage, options)),
  ].join("\n");
}

/** Agents that were not heard, or not of all that was asked: those take part all the same. */
export function silentTexts({ silent, nodes }: Pick<UserPlan, "silent" | "nodes">): string[] {
  return silent.map(({ node, why }) => {
    const how = Object.hasOwn(nodes, node) ? "does not say all" : "is told nothing";
    return `${node} ${how}: ${why}`;
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
