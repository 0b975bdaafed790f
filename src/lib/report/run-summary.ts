import { durationText, groupedText, plural, spreadText } from "../figures.js";
import type { OpenWork, RunInspection } from "../run/inspect.js";
import type { RunSummary } from "../run/summary.js";
import { wrap } from "../wrap.js";
import { columns } from "./columns.js";
import { groupBy, groupText } from "./group.js";
import { leftText } from "./run-left.js";
import type { TextOptions } from "./text-options.js";

/** How long ago a time (ISO 8601) was, milliseconds. */
type Age = (time: string) => number;

/** Reasons that are shown of many. */
const REASONS_SHOWN = 3;

/** How a run stands: its state and for how long, what is stuck and why, what to type next. */
export function summaryText(summary: RunSummary, age: Age, { width }: TextOptions): string {
  const { run, plan, steps, stage, soakUntil, activity, stop, missing, policyMissing } = summary;
  const lines = [
    ...wrap(`run ${run}: ${stateText(summary)} for ${durationText(age(summary.since))}`, width, 2),
  ];
  const fact = (name: string, text: string) => {
    for (const [i, line] of text.split("\n").entries())
      lines.push(...wrap(`  ${(i === 0 ? name : "").padEnd(6)} ${line.trim()}`, width, 9));
  };
  fact("plan", plan.slice(0, 12));
  fact(
    "steps",
    `${groupedText(steps.done)} of ${groupedText(steps.total)} done${stage === null ? "" : `, stage ${stage}`}`,
  );
  if (soakUntil !== null && activity === "soaking") fact("soak", `until ${soakUntil}`);
  if (summary.takeovers.length > 0) fact("pauses", pausesText(summary.takeovers));
  if (stop?.reason === "asked") fact("why", `${stop.by.actor} asked: ${stop.by.command}`);
  if (stop?.error)
    fact("why", `${stop.step === null ? "" : `step ${stop.step}: `}${stop.error.message}`);
  for (const [keyspace, nodes] of Object.entries(missing))
    fact("routes", `of ${keyspace} not acknowledged by ${nodes.join(", ")}`);
  if (policyMissing.length > 0) fact("policy", `not acknowledged by ${policyMissing.join(", ")}`);
  if (summary.unheard.length > 0)
    fact("ramp", `${summary.unheard.join(", ")} did not say whether users are still kept away`);
  for (const { node, why, steps: leftOut } of summary.without)
    fact("gone", `${node}: ${plural(leftOut, "step")} of it left out (${why})`);
  return [...lines, ...nextLines(summary)].join("\n");
}

/** The same, with who works on it and what is under way at the agents. */
export function inspectionText(run: RunInspection, age: Age, options: TextOptions): string {
  const lines = [summaryText(run, age, options)];
  const say = (text: string, indent: number) => lines.push(...wrap(text, options.width, indent));
  if (run.change !== null) {
    const { what, sites, reason, actor } = run.change;
    say(`  does   ${what} ${sites.join(", ")}: ${reason} (${actor})`, 9);
  }
  if (run.holder !== null) {
    const { actor, pid, host, alive } = run.holder;
    const gone = alive === "no" ? ", which is gone: resume it" : "";
    say(`  by     ${actor}, process ${pid} on ${host}${gone}`, 9);
  } else if (run.activity === "running") {
    say("  by     nobody: its process ended without a word; resume it", 9);
  }
  const left = run.remaining === null ? null : leftText(run.remaining);
  if (left !== null) say(`  time   ${left}`, 9);
  const groups = groupBy(run.open, ({ step, node, like, state, phase }) =>
    options.verbose ? step : JSON.stringify([node, like, state, phase]),
  );
  for (const group of groups) openLines(group, age, say);
  return lines.join("\n");
}

export function listText(
  runs: readonly RunSummary[],
  age: Age,
  { width }: Pick<TextOptions, "width">,
): string {
  if (runs.length === 0) return "no runs";
  const rows = runs.map((run) => [
    run.run,
    stateText(run),
    `for ${durationText(age(run.since))}`,
    `${run.steps.done}/${run.steps.total} steps`,
    `plan ${run.plan.slice(0, 12)}`,
  ]);
  return columns(rows, width);
}

function openLines(
  group: readonly [OpenWork, ...OpenWork[]],
  age: Age,
  say: (text: string, indent: number) => void,
): void {
  const [{ node, state, phase }] = group;
  const oldest = durationText(Math.max(...group.map(({ since }) => age(since))));
  say(
    `  ${node}: ${state}${phase === null ? "" : ` (${phase})`} for ${oldest}: ${groupText(group)}`,
    6,
  );
  const reasons = [...new Set(group.flatMap(({ why }) => why ?? []))];
  for (const why of reasons.slice(0, REASONS_SHOWN)) say(`      ${why}`, 8);
  if (reasons.length > REASONS_SHOWN)
    say(`      and ${plural(reasons.length - REASONS_SHOWN, "more reason")}`, 8);
}

function pausesText(takeovers: RunSummary["takeovers"]): string {
  const times = (name: string) => takeovers.map((takeover) => Number(takeover[name]));
  return `${plural(takeovers.length, "takeover")}: ${spreadText(times("actualMs"))} (planned: ${spreadText(times("plannedMs"))})`;
}

/** That a plan cannot be applied before these runs have ended. */
export function inTheWayText(
  runs: readonly RunSummary[],
  { width }: Pick<TextOptions, "width">,
): string {
  return runs
    .flatMap((run) => [
      ...wrap(
        `warning: run ${run.run} of the same keyspaces has not ended (${stateText(run)}): shard apply refuses this plan before it has`,
        width,
        2,
      ),
      ...nextLines(run),
    ])
    .join("\n");
}

function nextLines({ next }: RunSummary): string[] {
  return next.map((command, i) => `  ${i === 0 ? "next  " : "  or  "} ${command}`);
}

function stateText({ activity, direction, outcome, stop }: RunSummary): string {
  if (outcome !== null) return outcome;
  if (activity === "soaking") return "soaking";
  const doing = { apply: "applying", undo: "rolling back", finalize: "finalizing" }[direction];
  if (activity === "running") return doing;
  const why = {
    until: "stopped where it was asked to",
    signal: "stopped by Ctrl-C",
    asked: "stopped on request",
    detached: "detached",
    failed: "failed",
    unknown: "outcome unknown",
    "rolled-back-to": "rolled back in part",
  } as const;
  return `${doing}: ${why[stop?.reason ?? "failed"]}`;
}
