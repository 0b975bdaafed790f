import type { Step } from "../../plan/any.js";
import type { ShardStep } from "../../plan/types.js";
import type { ShardContext, UserContext } from "../context.js";

type ContextOf<S extends Step> = S extends ShardStep ? ShardContext : UserContext;

/** How one kind of step is done and taken back. Everything here may be repeated from any point at which a process died. */
export interface StepHandler<S extends Step> {
  apply(context: ContextOf<S>, step: S): Promise<void>;
  /** Null where the step leaves nothing that has to be taken back. */
  readonly undo: ((context: ContextOf<S>, step: S) => Promise<void>) | null;
}
