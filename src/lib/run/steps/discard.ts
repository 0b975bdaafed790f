import type { DiscardStep } from "../../plan/types.js";
import { discardAll } from "./drop-copies.js";
import type { StepHandler } from "./handler.js";

/** The agent itself refuses what its routes still cover. */
export const discard: StepHandler<DiscardStep> = {
  apply: discardAll,
  undo: null,
};
