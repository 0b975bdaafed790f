import type { Step } from "../../plan/types.js";
import type { RunContext } from "../context.js";

/** How one kind of step is done and taken back. Everything here may be repeated from any point at which a process died. */
export interface StepHandler<S extends Step> {
  apply(context: RunContext, step: S): Promise<void>;
  /** Null where the step leaves nothing that has to be taken back. */
  readonly undo: ((context: RunContext, step: S) => Promise<void>) | null;
}
