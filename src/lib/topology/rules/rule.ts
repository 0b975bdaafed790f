import type { Draft } from "../draft.js";
import type { Finding, Severity } from "../problem.js";

/** One thing that must hold of a topology. Pure; stops early when its consumer does. */
export interface Rule {
  /** Stable kebab-case name. */
  readonly id: string;
  readonly severity: Severity;
  check(draft: Draft): Iterable<Finding>;
}
