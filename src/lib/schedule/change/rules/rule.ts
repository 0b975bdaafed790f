import type { Proposal } from "../proposal.js";

/** What rules look at: a change, and how long its run takes by the estimate that is printed, seconds. */
export interface Judged extends Proposal {
  readonly seconds: number;
}

/** What must hold before users are moved. A person may override it by its id, with the reason of the change. */
export interface SafetyRule {
  readonly id: string;
  readonly checks: string;
  /** What stands in the way, with the numbers; nothing where nothing does. */
  find(change: Judged): string[];
  /** With what it would not be in the way; null where nothing helps. */
  mend?(change: Judged): string | null;
}
