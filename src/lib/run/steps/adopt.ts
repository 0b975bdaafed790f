import type { AdoptStep } from "../../plan/types.js";
import { ask } from "../ask.js";
import { authorityFor } from "../context.js";
import type { StepHandler } from "./handler.js";

/** Asking again does no harm: a node that has agreed agrees. The way back leaves it where it is. */
export const adopt: StepHandler<AdoptStep> = {
  apply: async (context, { id, node, from, changes }) => {
    await context.journal.append({ type: "adopt.intent", step: id, node, from });
    const authority = authorityFor(context, context.plan.scopes[0]!);
    await ask(context, id, node, `leave the control plane ${from} for this one`, (agent) =>
      agent.putLineage({ from, changes }, authority),
    );
  },
  undo: null,
};
