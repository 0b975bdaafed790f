import { EXIT } from "../../../errors.js";
import type { ReachStep } from "../../../plan/users/types.js";
import { askNode } from "../../ask.js";
import { StepFailure, failure } from "../../failure.js";
import type { StepHandler } from "../handler.js";

/** A URL of the topology may be that of another agent. */
export const reach: StepHandler<ReachStep> = {
  apply: async (context, { id, node }) => {
    const status = await askNode(context, id, node);
    if (status.node === node && status.role !== "data") return;
    const found = status.node === node ? "an agent of the role data" : status.node;
    const message = `${context.agents.urlOf(node)} is to be the access agent ${node}, and is ${found}`;
    const hint = "correct the agent's URL in the topology";
    throw new StepFailure(failure("another-agent", message, { hint }), EXIT.refused);
  },
  undo: null,
};
