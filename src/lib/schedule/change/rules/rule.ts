import type { Proposal } from "../proposal.js";

/** What must hold before users are moved. A person may override it by its id, with the reason of the change. */
export interface SafetyRule {
  readonly id: string;
  readonly checks: string;
  /** What stands in the way, with the numbers; nothing where nothing does. */
  find(proposal: Proposal): string[];
}
