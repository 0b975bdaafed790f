import { durationText, plural } from "../figures.js";
import { formatSegment } from "../keyspace/wire.js";
import { countItems, sayStep } from "../plan/say.js";
import type { RegionPlan, Stays } from "../plan/region/types.js";
import type { LookedAt } from "../run/change-region.js";
import type { ShardPlan, ShardStage } from "../plan/types.js";
import type { WritersPlan } from "../plan/writers.js";
import { wrap } from "../wrap.js";
import { itemsText } from "./group.js";
import { leftOutLines } from "./left-out.js";
import { shardStageLines, whatChangesLines } from "./plan.js";
import type { TextOptions } from "./text-options.js";
import { silentTexts, userStageLines } from "./user-plan.js";
import { movesText, whoMovesLines } from "./who-moves.js";

/** Who and whose writes move, and how, in one: for the person who has to agree to it. */
export function regionPlanText(plan: RegionPlan, options: TextOptions): string {
  const out = (text: string, indent: number) => wrap(text, options.width, indent);
  const { change, users, shards, stages, stays, usersStay, scopes, estimate } = plan;
  const ofShards = new Set<unknown>(shards?.stages);
  return [
    ...out(`Plan ${plan.hash.slice(0, 12)} for ${plan.topology.name}, made ${plan.createdAt}`, 2),
    "",
    ...out(
      `  does   ${change.what} ${change.sites.join(", ")}: ${change.reason} (${change.actor})`,
      9,
    ),
    ...out(`  locks  ${scopes.join(", ")}`, 9),
    ...out(
      `  users  ${users === null ? (usersStay === null ? "nobody" : `all stay: ${usersStay}`) : movesText(users)}`,
      9,
    ),
    ...out(`  writes ${shards === null ? "none" : takeoversText(shards)}`, 9),
    ...out(`  time   about ${durationText(Math.max(1, estimate.seconds) * 1000)}`, 9),
    ...change.overridden.flatMap(({ rule, message }) => out(`  over   ${rule}: ${message}`, 9)),
    ...(users === null ? [] : silentTexts(users)).flatMap((text) => out(`  silent ${text}`, 9)),
    ...(users === null ? [] : leftOutLines(users, options)),
    ...stays.flatMap((one) => out(`  stays  ${staysText(one)}`, 9)),
    ...(users === null ? [] : whoMovesLines(users, options)),
    ...(shards === null ? [] : ["", "Whose writes move", ...whatChangesLines(shards, options)]),
    "",
    "Stages",
    ...stages.flatMap((stage) =>
      ofShards.has(stage)
        ? shardStageLines(stage as ShardStage, options)
        : userStageLines(stage as Exclude<typeof stage, ShardStage>, options),
    ),
  ].join("\n");
}

/** What becomes of a region's writes by the file alone. `when`: what comes before. */
export function rehearsalText(
  { plan, stays }: WritersPlan,
  when: string,
  { width }: Pick<TextOptions, "width">,
): string {
  const out = (text: string) => wrap(text, width, 4);
  const well =
    "run on the model: every position has one writer after each step, and taken back it ends where it began";
  return [
    "Writes, as the file has them; no agent was asked",
    ...(plan === null
      ? ["  none move"]
      : [...out(`  ${takeoversText(plan)}, ${when}`), ...out(`  ${well}`)]),
    ...stays.flatMap((one) => out(`  stays: ${staysText(one)}`)),
  ].join("\n");
}

/** That nothing is changed, and what was looked at to say so. */
export function lookedAtText(
  { sites, keyspaces, nodes }: LookedAt,
  { width }: TextOptions,
): string {
  const users =
    sites.length === 0
      ? "the topology has no access agents"
      : `entries of the policy for ${sites.join(", ")}`;
  const asked = `${nodes.answering} of ${plural(nodes.all, "data node")} that answer`;
  const writes =
    keyspaces.length === 0
      ? `no keyspace on ${asked}`
      : `who writes ${keyspaces.join(", ")}, on ${asked}`;
  return [
    "nothing is changed: there is nothing to move that could be moved",
    `  looked at, of users: ${users}`,
    `  looked at, of writes: ${nodes.all === 0 ? "the topology has no data agents" : writes}`,
  ]
    .flatMap((line) => wrap(line, width, 4))
    .join("\n");
}

/** Writes that are not where they should be afterwards. */
export function staysText({ keyspace, segments, node, why }: Stays): string {
  const where = segments.length === 0 ? "" : ` ${itemsText(segments.map(formatSegment))}`;
  return `${keyspace}${where}${node === null ? "" : ` on ${node}`}: ${why}`;
}

function takeoversText({ stages }: ShardPlan): string {
  const takeovers = stages
    .flatMap(({ waves }) => waves.flat())
    .filter((step) => step.kind === "takeover");
  const nodes = new Set(takeovers.map(({ from }) => from));
  return `${plural(countItems(takeovers.map(sayStep)), "takeover")} from ${[...nodes].toSorted().join(", ")}`;
}
