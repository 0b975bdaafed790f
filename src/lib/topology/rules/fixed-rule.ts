import type { RuleInfo, StructureRule } from "./rule.js";

/** `rules` gives all rules by name, this one included. */
export function fixedRule(rules: () => ReadonlyMap<string, RuleInfo>): StructureRule {
  return {
    id: "fixed-rule",
    severity: "error",
    adjustable: false,
    checks: "`policy.rules` leaves those rules alone without which the file means nothing.",
    why: "A topology with a gap, an overlap or an unknown node cannot be acted on, whatever the reason.",
    mend: "Delete the entry, and mend what the rule finds.",
    example: `policy:
  rules:
    gap: { severity: warning, reason: those users come later }`,
    *check({ overrides }) {
      for (const { id, path } of overrides) {
        if (rules().get(id)?.adjustable !== false) continue;
        yield {
          path,
          at: "key",
          message: `the severity of ${id} cannot be changed`,
          hint: "delete the entry, and mend what the rule finds",
        };
      }
    },
  };
}
