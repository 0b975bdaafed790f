import type { DemoResult, EvacuationResult, ExpansionResult } from "../demo/facts.js";
import { durationText, groupedText, plural, spreadText } from "../figures.js";
import { columns } from "./columns.js";

type Row = readonly [string, string];

/** The table that a demo ends with: a part for each scenario that was played. */
export function demoTable({ expansion, evacuation }: DemoResult, width: number): string {
  const parts = [
    ...(expansion === undefined ? [] : [["Expansion", ""] as const, ...expansionRows(expansion)]),
    ...(evacuation === undefined
      ? []
      : [["Evacuation", ""] as const, ...evacuationRows(evacuation)]),
  ];
  const { failures = 0, lastFailure = "" } = expansion?.details ?? {};
  const wrong = [...(expansion?.details.wrong ?? []), ...(evacuation?.details.wrong ?? [])];
  return [
    columns(parts, width),
    ...(failures > 0 ? ["", `The last failure: ${lastFailure}`] : []),
    ...(wrong.length > 0 ? ["", "Wrong:", ...wrong.map((line) => `  ${line}`)] : []),
  ].join("\n");
}

function expansionRows({ facts, details }: ExpansionResult): Row[] {
  const { convergence } = details;
  return rows([
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
  ]);
}

function evacuationRows({ facts, details }: EvacuationResult): Row[] {
  const { site, told } = details;
  const without =
    details.msWithout === 0
      ? "nobody"
      : `${durationText(details.longestMsWithout)} at the most, ${durationText(details.msWithout)} of all users together`;
  return rows([
    ["sessions", groupedText(facts.sessions)],
    [
      "loss at which it is left",
      `${(details.loss * 100).toFixed(1)} % of the heartbeats at ${site}`,
    ],
    [
      "moved",
      `${groupedText(facts.moved)}: ${groupedText(told)} were told, ${groupedText(facts.moved - told)} came by themselves when its gateway was killed`,
    ],
    ["time to move them", times(facts.seconds, facts.boundSeconds)],
    [
      "most logins in a second",
      details.peaks.map((one) => `${one.site} ${one.peak} of ${one.limit}`).join(", "),
    ],
    [
      "logins failed, put off",
      `${groupedText(facts.failedLogins)}, ${groupedText(details.refused)}`,
    ],
    ["without a session", without],
    ["stranded for ever", groupedText(facts.strandedForEver)],
    ["restored", groupedText(details.restored)],
    ["time to restore them", times(details.restoreSeconds, details.restoreBoundSeconds)],
    ["seconds", groupedText(details.seconds)],
  ]);
}

function rows(all: readonly Row[]): Row[] {
  return all.map(([name, value]) => [`  ${name}`, value]);
}

function times(seconds: number, boundSeconds: number): string {
  const ratio = boundSeconds > 0 ? ` (${(seconds / boundSeconds).toFixed(2)})` : "";
  return `${durationText(seconds * 1_000)}, no pace takes less than ${durationText(boundSeconds * 1_000)}${ratio}`;
}

function pauses(all: readonly number[]): string {
  if (all.length === 0) return "none";
  return `${spreadText(all)}, ${plural(all.length, "takeover")}`;
}
