import { z } from "zod";
import { ADJUSTED } from "./problem.js";
import { RULE_INFOS } from "./rules/registry.js";

const MAX_REASON = 300;

const adjustable = [...RULE_INFOS.values()].flatMap((rule) => (rule.adjustable ? [rule.id] : []));

const override = z.strictObject({
  severity: z.enum(ADJUSTED).meta({ description: "What the rule is to be here." }),
  reason: z
    .string()
    .refine((text) => text.trim() !== "" && text.length <= MAX_REASON, {
      error: `a reason has 1 to ${MAX_REASON} characters`,
      params: { hint: "say in a sentence why this is right here" },
    })
    .meta({ description: "Why; shown by every check." }),
});

/** Other severities for rules. The names are checked by the rules `unknown-rule` and `fixed-rule`, which know what to say. */
export const ruleOverrides = z
  .record(z.string().meta({ enum: adjustable }), override)
  .prefault({})
  .meta({ description: "Rule -> another severity than the usual one, with a reason." });
