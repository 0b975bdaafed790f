import type { Check } from "./finding.js";

/** Every stage says how to get back; only `retire` may not be lossless, and then says so. */
export const undoTold: Check = {
  rule: "undo-told",
  find: ({ stages }) =>
    stages.flatMap(({ id, kind, undo }) => {
      const messages = [
        ...(undo.how === "" || undo.lossBound === ""
          ? [`stage ${id} does not say how to get back`]
          : []),
        ...(undo.lossless === (kind === "retire")
          ? [`stage ${id} is said to be ${undo.lossless ? "lossless" : "not lossless"} to undo`]
          : []),
      ];
      return messages.map((message) => ({ message, step: null }));
    }),
};
