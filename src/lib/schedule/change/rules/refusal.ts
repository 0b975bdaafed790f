import { EXIT, OpsError } from "../../../errors.js";
import { type Objection, SAFETY_RULES } from "./registry.js";

/** Throws OpsError `unknown-rule` (exit 64). */
export function assertRules(overrides: readonly string[]): void {
  const known = SAFETY_RULES.map(({ id }) => id);
  const stranger = overrides.find((rule) => !known.includes(rule));
  if (stranger === undefined) return;
  throw new OpsError("unknown-rule", EXIT.usage, `there is no safety rule ${stranger}`, {
    hint: `known are ${known.join(", ")}`,
  });
}

/** Throws OpsError `unsafe` (exit 3) with what each rule that is not overridden has to say. */
export function assertSafe(objections: readonly Objection[]): void {
  const standing = objections.filter(({ overridden }) => !overridden);
  if (standing.length === 0) return;
  const list = standing.map(({ rule, message }) => `\n  ${rule}: ${message}`).join("");
  const rules = [...new Set(standing.map(({ rule }) => rule))];
  const mends = [...new Set(standing.flatMap(({ mend }) => mend ?? []))];
  const must = `if it must be: ${rules.map((rule) => `--override ${rule}`).join(" ")} (the reason is recorded)`;
  throw new OpsError("unsafe", EXIT.refused, `Refused, nothing was changed:${list}`, {
    hint: [...mends, must].join("; "),
    details: standing,
  });
}
