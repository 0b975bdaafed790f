import type { VerifyStep } from "../../plan/types.js";
import { range } from "../../plan/say.js";
import { together } from "../ask.js";
import { doneResult, operate, settle } from "../operation.js";
import type { StepHandler } from "./handler.js";

export const verify: StepHandler<VerifyStep> = {
  apply: async (context, step) => {
    const { id, keyspace, segments, node } = step;
    const options = {
      undo: false,
      what: `compare ${range(step)} with its source`,
      atStop: "leave",
      progressOf: { what: `${range(step)} on ${node}`, like: `${keyspace} on ${node}` },
    } as const;
    await settle(context, id, options);
    const result =
      doneResult(context, id) ??
      (await operate(context, id, options, async () => ({
        node,
        request: { kind: "verify", keyspace, ...together(segments)! },
        inverse: null,
        preState: null,
      })));
    await context.journal.append({
      type: "evidence",
      step: id,
      about: "verify",
      facts: result ?? {},
    });
    context.emit({ type: "evidence", step: id, about: "verify", facts: result ?? {} });
  },
  undo: null,
};
