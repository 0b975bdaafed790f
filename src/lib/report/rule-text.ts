import type { RuleInfo } from "../topology/rules/rule.js";
import { wrap } from "../wrap.js";

const WIDTH = 80;

/** A rule for a person who met it: what it checks, why, what to do. */
export function ruleText(rule: RuleInfo): string {
  const parts = [
    ["checks", rule.checks],
    ["why", rule.why],
    ["mend", rule.mend],
    ["severity", severityText(rule)],
  ] as const;
  return [
    rule.id,
    ...parts.flatMap(([name, text]) => wrap(`  ${name.padEnd(8)}  ${text}`, WIDTH, 12)),
    "  example",
    ...rule.example.split("\n").map((line) => `    ${line}`),
  ].join("\n");
}

/** All rules as the page docs/rules.md. */
export function rulesPage(rules: readonly RuleInfo[]): string {
  const rows = rules.map(
    (rule) => `| [${rule.id}](#${rule.id}) | ${rule.severity} | ${rule.checks} |`,
  );
  const sections = rules.map((rule) =>
    [
      `## ${rule.id}`,
      `${rule.checks}\n${rule.why}`,
      `${rule.mend} Severity: ${severityText(rule)}.`,
      rule.example.replace(/^/gm, "    "),
    ].join("\n\n"),
  );
  return `${[HEAD, ["| rule | | checks |", "|---|---|---|", ...rows].join("\n"), ...sections].join("\n\n")}\n`;
}

const HEAD = `# Rules

What \`ops topology check\` looks for. \`ops topology check --explain RULE\` prints one of these. Errors end the check with exit 3, warnings do not.

This page is written by \`node scripts/rules.js\` from the rules in \`src/lib/topology/rules/\`. How to give a rule another severity: \`policy.rules\` in
[topology.md](topology.md).`;

function severityText({ severity, adjustable }: RuleInfo): string {
  return `${severity}${adjustable ? ", unless policy.rules says otherwise" : ", always"}`;
}
