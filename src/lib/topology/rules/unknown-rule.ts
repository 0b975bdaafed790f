import { nearest } from "../nearest.js";
import { quote } from "../../quote.js";
import type { RuleInfo, StructureRule } from "./rule.js";

/** `rules` gives all rules by name, this one included. */
export function unknownRule(rules: () => ReadonlyMap<string, RuleInfo>): StructureRule {
  return {
    id: "unknown-rule",
    severity: "error",
    adjustable: false,
    checks: "`policy.rules` names rules that exist.",
    why: "An exception that is misspelt, or whose rule is gone, would be thought to hold.",
    mend: "Correct the name, or delete the entry.",
    example: `policy:
  rules:
    unused-nodes: { severity: "off", reason: one machine in stock }`,
    *check({ overrides }) {
      for (const { id, path } of overrides) {
        if (rules().has(id)) continue;
        const guess = nearest(id, [...rules().keys()]);
        yield {
          path,
          at: "key",
          message: `there is no rule ${quote(id)}`,
          hint: guess ? `did you mean ${guess}?` : "docs/rules.md lists the rules",
        };
      }
    },
  };
}
