import { uncheckedParts } from "../topology/capacity/unchecked.js";
import type { Problem } from "../topology/problem.js";
import { renderProblems } from "../topology/render-problems.js";
import { plural } from "../figures.js";
import { RULE_INFOS } from "../topology/rules/registry.js";
import type { RuleOverride, Topology } from "../topology/types.js";
import { wrap } from "../wrap.js";

const WIDTH = 80;

/** The problems of a file, the exceptions from rules that are in force, and a line that says what was found to be right. */
export function renderTopologyCheck(
  file: string,
  topology: Topology | null,
  problems: readonly Problem[],
): string {
  const shown = problems.length > 0 ? [renderProblems(problems)] : [];
  if (!topology) return shown.join("");
  const notes = uncheckedParts(topology).map((part) => `${file}: ${part}`);
  const exceptions = topology.policy.rules.flatMap((override) => overrideLines(file, override));
  const { regions, sets, nodes, keyspaces } = topology;
  const shards = keyspaces.reduce((sum, keyspace) => sum + keyspace.shards.length, 0);
  const counts = [
    plural(regions.length, "region"),
    plural(sets.length, "set"),
    plural(nodes.length, "node"),
    plural(keyspaces.length, "keyspace"),
    plural(shards, "shard"),
  ];
  const ok = problems.every(({ severity }) => severity !== "error");
  const end = ok ? [`${file}: ok, ${counts.join(", ")}`] : [];
  return [...shown, ...exceptions, ...notes, ...end].join("\n");
}

function overrideLines(file: string, { rule, severity, reason }: RuleOverride): string[] {
  const usual = RULE_INFOS.get(rule)?.severity;
  const change = severity === "off" ? "is off" : `is ${article(severity)}`;
  const before = usual && usual !== severity ? `, usually ${article(usual)}` : "";
  return wrap(`${file}: ${rule} ${change} here${before}: ${reason}`, WIDTH, 2);
}

function article(severity: Problem["severity"]): string {
  return severity === "error" ? "an error" : "a warning";
}
