import { difference } from "../keyspace/map.js";
import { formatSegment } from "../keyspace/wire.js";
import { sameSettings } from "../routing/settings.js";
import { asOwners, sameOwner, type Owner } from "../plan/holdings.js";
import { discardText, discardsOf, flagOf } from "../plan/discards.js";
import { RING_BOUND, ringShare, type RingShare } from "../plan/ring-share.js";
import { countItems, sayStep, settingsText } from "../plan/say.js";
import type {
  Estimate,
  ShardPlan,
  PlanKeyspace,
  ShardStage,
  ShardStepKind,
} from "../plan/types.js";
import { bytesText, countText, durationText, plural } from "../figures.js";
import { wrap } from "../wrap.js";
import { groupBy, itemsText } from "./group.js";
import { waveLines } from "./plan-steps.js";
import type { TextOptions } from "./text-options.js";

const CHANGES_SHOWN = 20;

/** A plan for the person who has to agree to it. Lines end in a newline, except the last. */
export function planText(plan: ShardPlan, options: TextOptions): string {
  const out = (text: string, indent: number) => wrap(text, options.width, indent);
  const head = `Plan ${plan.hash.slice(0, 12)} for ${plan.topology.name}, made ${plan.createdAt}`;
  if (plan.stages.length === 0)
    return [...out(head, 2), "", "Nothing to do: the cluster is as the topology says."].join("\n");
  const changes = whatChangesLines(plan, options);
  const lines = [
    ...out(head, 2),
    "",
    ...out(`  locks  ${plan.scopes.join(", ")}`, 9),
    ...out(`  does   ${totals(plan)}`, 9),
    ...out(`  data   ${dataText(plan.estimate)}`, 9),
    ...limitTexts(plan).flatMap((text) => out(`  limits ${text}`, 9)),
    ...lineTexts(plan).flatMap((text) => out(`  lines  ${text}`, 9)),
    ...riskTexts(plan).flatMap((text) => out(`  risk   ${text}`, 9)),
    ...copyingTexts(plan).flatMap((text) => out(`  copies ${text}`, 9)),
    ...out(`  time   ${timeText(plan)}`, 9),
    "",
    "What changes",
    ...(changes.length > 0 ? changes : ["  Who holds what: nothing."]),
    "",
    "Stages",
    ...plan.stages.flatMap((stage) => [...shardStageLines(stage, options), ""]),
    "What cannot be taken back",
    ...irreversible(plan).flatMap((text) => out(text, 4)),
  ];
  return lines.join("\n");
}

type Out = (text: string, indent: number) => string[];

/** Whose segments change hands, and what changes of keyspaces as a whole. */
export function whatChangesLines({ keyspaces }: ShardPlan, options: TextOptions): string[] {
  const out = (text: string, indent: number) => wrap(text, options.width, indent);
  return keyspaces.flatMap((keyspace) => [
    ...wholeLines(keyspace, out),
    ...changeLines(keyspace, options, out),
  ]);
}

/** Counted by segments. */
function totals(plan: ShardPlan): string {
  const steps = plan.stages.flatMap((stage) => stage.waves.flat());
  const of = (kind: ShardStepKind) =>
    countItems(steps.filter((step) => step.kind === kind).map(sayStep));
  const parts = [
    [of("adopt"), plural(of("adopt"), "agent taken over", "agents taken over")],
    [of("init"), plural(of("init"), "new primary", "new primaries")],
    [of("link"), plural(of("link"), "copy made", "copies made")],
    [of("relabel"), plural(of("relabel"), "segment renamed", "segments renamed")],
    [of("takeover"), plural(of("takeover"), "takeover")],
    [of("drop"), plural(of("drop"), "copy dropped", "copies dropped")],
    [of("discard"), plural(of("discard"), "copy deleted for good", "copies deleted for good")],
  ] as const;
  const named = parts.flatMap(([n, text]) => (n > 0 ? [text] : []));
  return `${named.join(", ") || "route changes only"}; ${plural(steps.length, "step")} in ${plural(plan.stages.length, "stage")}`;
}

function dataText({ bytes, rows, basis }: Estimate): string {
  if (basis === "unknown") return "unknown: no agent was asked";
  return `${bytesText(bytes)} to copy, ${countText(rows)} rows`;
}

/** Copies wait for each other where there is something to copy. */
function limitTexts({ limits, stages }: ShardPlan): string[] {
  const links = stages.flatMap(({ waves }) => waves.flat()).filter((step) => step.kind === "link");
  if (links.length === 0) return [];
  const rates = links.map(({ bytesPerSecond }) => bytesPerSecond ?? Infinity);
  const [slowest, fastest] = [rateText(Math.min(...rates)), rateText(Math.max(...rates))];
  const each = slowest === fastest ? slowest : `${slowest} to ${fastest}`;
  return [
    `${plural(limits.perNode, "copy", "copies")} at once a node, ${limits.total} in all, each at most ${each}`,
  ];
}

/** What the lines between regions have for all copies together. */
function lineTexts({ limits }: ShardPlan): string[] {
  const lines = Object.entries(limits.lines ?? {}).map(
    ([line, rate]) => `${line} ${rateText(rate)}`,
  );
  return lines.length === 0 ? [] : [`for all copies together: ${lines.join(", ")}`];
}

function rateText(bytesPerSecond: number): string {
  return Number.isFinite(bytesPerSecond) ? `${bytesText(bytesPerSecond)}/s` : "unlimited";
}

/** How long the copies take, beside a time that no order of them can be shorter than. */
function copyingTexts({ copying, stages }: ShardPlan): string[] {
  if (copying === undefined) return [];
  const { seconds, boundSeconds, because } = copying;
  const waves = stages
    .flatMap((stage) => stage.waves)
    .filter((wave) => wave.some((step) => step.kind === "link"));
  const ratio = boundSeconds > 0 ? ` (ratio ${(seconds / boundSeconds).toFixed(2)})` : "";
  return [
    `${durationText(seconds * 1000)} in ${plural(waves.length, "wave")}, bound ${durationText(boundSeconds * 1000)}${ratio}: ${because}`,
  ];
}

/** What is at risk at one time, where the plan limits that. */
function riskTexts({ limits }: ShardPlan): string[] {
  return limits.blastRadius === undefined
    ? []
    : ["at one time one set of a region, and one copy of a shard (blast radius: set)"];
}

function timeText({ estimate, stages }: ShardPlan): string {
  const soak = stages
    .filter((stage) => stage.kind === "soak")
    .reduce((sum, stage) => sum + stage.estimate.seconds, 0);
  const without = estimate.basis === "unknown" ? ", copying not counted" : "";
  return `about ${rangeText(estimate)}${soak > 0 ? `, ${durationText(soak * 1000)} of it soak` : ""}${without}`;
}

/** `10s`, or `10s to 6m 00s` where gates may have to be watched for longer. Nobody plans for less than a second. */
function rangeText({ seconds, mostSeconds }: Estimate): string {
  const text = (some: number) => durationText(Math.max(1, some) * 1000);
  const [least, most] = [text(seconds), text(mostSeconds)];
  return least === most ? least : `${least} to ${most}`;
}

/** What changes of a keyspace as a whole. */
function wholeLines(keyspace: PlanKeyspace, out: Out): string[] {
  const { id, domain, settings } = keyspace;
  const share = ringShare(keyspace);
  return [
    ...(share === null ? [] : out(`  ${id} ${ringText(share)}`, 4)),
    ...(domain.before?.lo === domain.after?.lo && domain.before?.hi === domain.after?.hi
      ? []
      : out(`  ${id} ${domainText(domain)}`, 4)),
    ...(sameSettings(settings.before, settings.after)
      ? []
      : out(`  ${id} ${settingsText(settings.before, settings.after)}`, 4)),
  ];
}

function domainText({ before, after }: PlanKeyspace["domain"]): string {
  if (after === null) return "is removed: its routes are withdrawn, its data goes on finalize";
  if (before === null) return `gets its first routes, ${formatSegment(after)}`;
  return `domain ${formatSegment(before)} -> ${formatSegment(after)}`;
}

function ringText({ moved, even, shards }: RingShare): string {
  const what = `ring: ${shards.before} -> ${plural(shards.after, "shard")}, ${percent(moved)} of it goes to another one`;
  if (even === 0) return `${what}, although no shard comes or goes`;
  const ratio = moved / even;
  const times = `${what}; ${percent(even)} with even shares (K/n), so ${ratio.toFixed(2)} times that`;
  return ratio <= RING_BOUND
    ? times
    : `${times}: more than ${RING_BOUND}, the ring is uneven (more virtualNodes even it out, for keyspaces to come)`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

type Change = ReturnType<typeof difference<Owner>>[number];

/** Segments that change in the same way go together, unless every one is asked for. */
function changeLines(
  { id, before, after }: PlanKeyspace,
  { verbose }: TextOptions,
  out: Out,
): string[] {
  const changes = difference(asOwners(before), asOwners(after), sameOwner);
  const groups = groupBy(changes, (change) =>
    verbose ? formatSegment(change) : JSON.stringify(change.value),
  );
  const shown = verbose ? groups : groups.slice(0, CHANGES_SHOWN);
  const lines = shown.flatMap((group) => changeText(id, group, out));
  const more = groups.slice(shown.length);
  if (more.length === 0) return lines;
  return [
    ...lines,
    `  ${id}: ${plural(more.length, "more change")}, ${plural(more.flat().length, "segment")} (--verbose shows all)`,
  ];
}

function changeText(keyspace: string, group: readonly [Change, ...Change[]], out: Out): string[] {
  const { before, after } = group[0].value;
  const count = group.length === 1 ? "" : `${plural(group.length, "segment")}, `;
  return [
    ...out(`  ${keyspace} ${count}${itemsText(group.map(formatSegment))}`, 4),
    ...(before === null
      ? out(`    new  ${ownerText(after)}`, 9)
      : [...out(`    from ${ownerText(before)}`, 9), ...out(`    to   ${ownerText(after)}`, 9)]),
  ];
}

function ownerText(owner: Owner | null): string {
  if (!owner) return "nobody";
  const replicas =
    owner.replicas.length > 0 ? `, replicas ${owner.replicas.join(", ")}` : ", no replica";
  return `${owner.shard}: primary ${owner.primary}${replicas}`;
}

export function shardStageLines(stage: ShardStage, options: TextOptions): string[] {
  const out = (text: string, indent: number) => wrap(text, options.width, indent);
  const time = stage.estimate.seconds >= 1 ? `, about ${rangeText(stage.estimate)}` : "";
  return [
    ...out(`  ${stage.id}: ${stage.title}${time}`, 4),
    ...waveLines(stage, options).flatMap(({ heading, lines }) => [
      `    ${heading}`,
      ...lines.flatMap((line) => out(`      ${line}`, 8)),
    ]),
    ...out(`    undo: ${stage.undo.how}`, 10),
    ...out(`    may lose: ${stage.undo.lossBound}`, 10),
  ];
}

function irreversible(plan: ShardPlan): string[] {
  const final = plan.stages.filter((stage) => !stage.undo.lossless);
  if (final.length === 0) return ["  Nothing."];
  return final.flatMap((stage) => {
    const drops = stage.waves.flat().filter((step) => step.kind === "drop");
    const nodes = [...new Set(drops.map((step) => step.node))].toSorted();
    const count = plural(countItems(drops.map(sayStep)), "copy", "copies");
    return [
      ...(drops.length === 0
        ? []
        : [
            `  ${stage.id}: ${count} deleted on ${nodes.join(", ")}. Only ops shard finalize does it.`,
          ]),
      ...discardsOf(plan).map(
        (discard) =>
          `  ${stage.id}: ${discardText(discard)}. Only ops shard finalize ${flagOf(discard)} does it.`,
      ),
    ];
  });
}
