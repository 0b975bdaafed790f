import type { DemoResult } from "../demo/facts.js";
import { durationText, groupedText, plural, spreadText } from "../figures.js";

/** The table that a demo ends with. */
export function demoTable({ facts, details }: DemoResult): string {
  const { convergence } = details;
  const rows: [string, string][] = [
    ["users", groupedText(details.users)],
    [
      "rows moved",
      `${groupedText(facts.rowsMoved)}, ${groupedText(facts.rowsPerSecond)} rows/s a copy`,
    ],
    ["write pause, planned", pauses(facts.takeovers.map(({ plannedMs }) => plannedMs))],
    ["write pause, actual", pauses(facts.takeovers.map(({ actualMs }) => actualMs))],
    [
      "longest wait of a client",
      `${durationText(details.longestFenceMs)} (${groupedText(details.fencesWaited)} writes met a pause)`,
    ],
    ["rollbacks, agents killed", `${facts.rollbacks}, ${facts.kills}`],
    [
      "acknowledged writes",
      `${groupedText(facts.acked)}, ${groupedText(facts.checked)} checked at their writers`,
    ],
    ["keys checked at replicas", groupedText(details.replicaKeys)],
    ["lost", groupedText(facts.lost)],
    ["resurrected", groupedText(facts.resurrected)],
    [
      "unknown outcome, failed",
      `${groupedText(details.unknown)}, ${groupedText(details.failures)}`,
    ],
    [
      "route convergence",
      `${convergence.current} of ${convergence.agents} agents have version ${convergence.version}`,
    ],
    ["redirects followed", groupedText(details.redirects)],
    ["near reads", `${(facts.nearReads * 100).toFixed(1)} %`],
    ["seconds", groupedText(facts.seconds)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  if (details.failures > 0) lines.push("", `The last failure: ${details.lastFailure}`);
  if (details.wrong.length > 0)
    lines.push("", "Wrong:", ...details.wrong.map((line) => `  ${line}`));
  return lines.join("\n");
}

function pauses(all: readonly number[]): string {
  if (all.length === 0) return "none";
  return `${spreadText(all)}, ${plural(all.length, "takeover")}`;
}
