import { ageText } from "../figures.js";
import type { RunInspection } from "../run/inspect.js";
import type { RunSummary } from "../run/summary.js";
import { columns } from "./columns.js";
import { wrap } from "./wrap.js";

/** How long ago a time (ISO 8601) was, milliseconds. */
type Age = (time: string) => number;

/** How a run stands: its state and for how long, what is stuck and why, what to type next. */
export function summaryText(summary: RunSummary, age: Age): string {
  const lines = [`run ${summary.run}: ${stateText(summary)} for ${ageText(age(summary.since))}`];
  lines.push(`  plan   ${summary.plan.slice(0, 12)}`);
  lines.push(
    `  steps  ${summary.steps.done} of ${summary.steps.total} done${summary.stage === null ? "" : `, stage ${summary.stage}`}`,
  );
  if (summary.soakUntil !== null && summary.activity === "soaking")
    lines.push(`  soak   until ${summary.soakUntil}`);
  if (summary.takeovers.length > 0) {
    const pauses = summary.takeovers.map(({ actualMs }) => Number(actualMs));
    lines.push(
      `  pauses ${summary.takeovers.length} takeovers, longest ${Math.round(Math.max(...pauses))} ms`,
    );
  }
  if (summary.stop?.error)
    lines.push(
      `  why    ${summary.stop.step === null ? "" : `step ${summary.stop.step}: `}${summary.stop.error.message}`,
    );
  for (const [keyspace, nodes] of Object.entries(summary.missing)) {
    lines.push(`  routes of ${keyspace} not acknowledged by ${nodes.join(", ")}`);
  }
  return [...lines, ...nextLines(summary)].join("\n");
}

/** The same, with who works on it and what is under way at the agents. */
export function inspectionText(run: RunInspection, age: Age): string {
  const lines = [summaryText(run, age)];
  if (run.holder !== null) {
    const { actor, pid, host, alive } = run.holder;
    lines.push(
      `  by     ${actor}, process ${pid} on ${host}${alive === "no" ? ", which is gone: resume it" : ""}`,
    );
  } else if (run.activity === "running") {
    lines.push("  by     nobody: its process ended without a word; resume it");
  }
  for (const work of run.open) {
    const phase = work.phase === null ? "" : ` (${work.phase})`;
    lines.push(
      `  ${work.step}: ${work.node}: ${work.what}: ${work.state}${phase} for ${ageText(age(work.since))}`,
    );
    if (work.why !== null) lines.push(`      ${work.why}`);
  }
  return lines.join("\n");
}

export function listText(runs: readonly RunSummary[], age: Age): string {
  if (runs.length === 0) return "no runs";
  const rows = runs.map((run) => [
    run.run,
    stateText(run),
    `for ${ageText(age(run.since))}`,
    `${run.steps.done}/${run.steps.total} steps`,
    `plan ${run.plan.slice(0, 12)}`,
  ]);
  return columns(rows);
}

/** That a plan cannot be applied before these runs have ended. */
export function inTheWayText(
  runs: readonly RunSummary[],
  { width }: { readonly width: number },
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
    detached: "detached",
    failed: "failed",
    unknown: "outcome unknown",
    "rolled-back-to": "rolled back in part",
  } as const;
  return `${doing}: ${why[(stop?.reason ?? "failed") as keyof typeof why]}`;
}
