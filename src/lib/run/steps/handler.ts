import type { Step } from "../../plan/types.js";
import type { RunContext } from "../context.js";

/** How one kind of step is done and taken back. Everything here may be repeated from any point at which a process died. */
export interface StepHandler<S extends Step> {
  /** What it does, in the imperative: `link profile [0, 100) on sz-1 from sh-1`. */
  say(step: S): string;
  apply(context: RunContext, step: S): Promise<void>;
  /** Null where the step leaves nothing that has to be taken back. */
  readonly back: { say(step: S): string; undo(context: RunContext, step: S): Promise<void> } | null;
}

/** `profile [0, 100)` */
export function range(step: {
  readonly keyspace: string;
  readonly segment: { readonly lo: bigint; readonly hi: bigint };
}): string {
  return `${step.keyspace} [${step.segment.lo}, ${step.segment.hi})`;
}
