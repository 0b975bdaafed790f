import type { Draft } from "../draft.js";
import type { Finding, Severity } from "../problem.js";

/** What there is to say of a rule, for `topology check --explain` and for docs/rules.md. */
export interface RuleInfo {
  /** Stable kebab-case name. */
  readonly id: string;
  readonly severity: Severity;
  /** Whether `policy.rules` may change the severity. Not where a file that breaks the rule means nothing, or two things. */
  readonly adjustable: boolean;
  /** What must hold, as a sentence. */
  readonly checks: string;
  /** What goes wrong where it does not. */
  readonly why: string;
  readonly mend: string;
  /** YAML in which it finds something. */
  readonly example: string;
}

/** One thing that must hold of a topology. Pure; stops early when its consumer does. */
export interface Rule extends RuleInfo {
  check(draft: Draft): Iterable<Finding>;
}
