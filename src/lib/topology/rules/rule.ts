import type { Draft } from "../draft.js";
import type { Finding, Severity } from "../problem.js";
import type { Topology } from "../types.js";

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

/** One thing that must hold of what the file says, whole or not. Pure; stops early when its consumer does. */
export interface StructureRule extends RuleInfo {
  check(draft: Draft): Iterable<Finding>;
}

/** One thing that must hold of a topology for the service to do its job. Pure; stops early when its consumer does. */
export interface FitnessRule extends RuleInfo {
  check(topology: Topology): Iterable<Finding>;
}
