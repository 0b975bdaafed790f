import { difference } from "../keyspace/map.js";
import { formatSegment } from "../keyspace/wire.js";
import { asOwners, sameOwner, type Owner } from "../plan/holdings.js";
import type { Estimate, Plan, PlanKeyspace, Stage } from "../plan/types.js";
import { bytesText, countText, secondsText } from "../figures.js";
import { plural } from "./plan-figures.js";
import { waveLines } from "./plan-steps.js";
import { wrap } from "./wrap.js";

const CHANGES_SHOWN = 20;

export interface TextOptions {
  /** Characters a line; names longer than that are not cut. */
  readonly width: number;
}

/** A plan for the person who has to agree to it. Lines end in a newline, except the last. */
export function planText(plan: Plan, { width }: TextOptions): string {
  const out = (text: string, indent: number) => wrap(text, width, indent);
  const head = `Plan ${plan.hash.slice(0, 12)} for ${plan.topology.name}, made ${plan.createdAt}`;
  if (plan.stages.length === 0)
    return [...out(head, 2), "", "Nothing to do: the cluster is as the topology says."].join("\n");
  const lines = [
    ...out(head, 2),
    "",
    ...out(`  locks  ${plan.scopes.join(", ")}`, 9),
    ...out(`  does   ${totals(plan)}`, 9),
    ...out(`  data   ${dataText(plan.estimate)}`, 9),
    ...out(`  time   ${timeText(plan)}`, 9),
    "",
    "What changes",
    ...plan.keyspaces.flatMap((keyspace) => changeLines(keyspace, out)),
    "",
    "Stages",
    ...plan.stages.flatMap((stage) => [...stageLines(stage, out), ""]),
    "What cannot be taken back",
    ...irreversible(plan).flatMap((text) => out(text, 4)),
  ];
  return lines.join("\n");
}

type Out = (text: string, indent: number) => string[];

function totals(plan: Plan): string {
  const steps = plan.stages.flatMap((stage) => stage.waves.flat());
  const of = (kind: string) => steps.filter((step) => step.kind === kind).length;
  const parts = [
    [of("init"), plural(of("init"), "new primary", "new primaries")],
    [of("link"), plural(of("link"), "copy made", "copies made")],
    [of("takeover"), plural(of("takeover"), "takeover")],
    [of("drop"), plural(of("drop"), "copy dropped", "copies dropped")],
  ] as const;
  const named = parts.flatMap(([n, text]) => (n > 0 ? [text] : []));
  return `${named.join(", ") || "route changes only"}; ${plural(steps.length, "step")} in ${plural(plan.stages.length, "stage")}`;
}

function dataText({ bytes, rows, basis }: Estimate): string {
  if (basis === "unknown") return "unknown: no agent was asked";
  return `${bytesText(bytes)} to copy, ${countText(rows)} rows`;
}

function timeText({ estimate, stages }: Plan): string {
  const soak = stages
    .filter((stage) => stage.kind === "soak")
    .reduce((sum, stage) => sum + stage.estimate.seconds, 0);
  const without = estimate.basis === "unknown" ? ", copying not counted" : "";
  return `about ${secondsText(estimate.seconds)}${soak > 0 ? `, ${secondsText(soak)} of it soak` : ""}${without}`;
}

function changeLines({ id, before, after }: PlanKeyspace, out: Out): string[] {
  const changes = difference(asOwners(before), asOwners(after), sameOwner);
  const lines = changes
    .slice(0, CHANGES_SHOWN)
    .flatMap((change) => [
      ...out(`  ${id} ${formatSegment(change)}`, 4),
      ...out(`    from ${ownerText(change.value.before)}`, 9),
      ...out(`    to   ${ownerText(change.value.after)}`, 9),
    ]);
  const more = changes.length - CHANGES_SHOWN;
  return more > 0 ? [...lines, `  ${id}: ${plural(more, "more segment")}`] : lines;
}

function ownerText(owner: Owner | null): string {
  if (!owner) return "nobody";
  const replicas =
    owner.replicas.length > 0 ? `, replicas ${owner.replicas.join(", ")}` : ", no replica";
  return `${owner.shard}: primary ${owner.primary}${replicas}`;
}

function stageLines(stage: Stage, out: Out): string[] {
  const time = stage.estimate.seconds > 0 ? `, about ${secondsText(stage.estimate.seconds)}` : "";
  return [
    ...out(`  ${stage.id}: ${stage.title}${time}`, 4),
    ...waveLines(stage).flatMap(({ heading, lines }) => [
      `    ${heading}`,
      ...lines.flatMap((line) => out(`      ${line}`, 8)),
    ]),
    ...out(`    undo: ${stage.undo.how}`, 10),
    ...out(`    may lose: ${stage.undo.lossBound}`, 10),
  ];
}

function irreversible(plan: Plan): string[] {
  const final = plan.stages.filter((stage) => !stage.undo.lossless);
  if (final.length === 0) return ["  Nothing."];
  return final.map((stage) => {
    const drops = stage.waves.flat().filter((step) => step.kind === "drop");
    const nodes = [...new Set(drops.map((step) => step.node))].toSorted();
    return `  ${stage.id}: ${plural(drops.length, "copy", "copies")} deleted on ${nodes.join(", ")}. Only ops shard finalize does it.`;
  });
}
