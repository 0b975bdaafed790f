import type { VerifyStep } from "../../plan/types.js";
import { doneResult, operate, settle } from "../operation.js";
import { type StepHandler, range } from "./handler.js";

export const verify: StepHandler<VerifyStep> = {
  say: (step) => `compare ${range(step)} on ${step.node} with its source`,
  apply: async (context, step) => {
    const { id, keyspace, segment, node } = step;
    const options = {
      undo: false,
      what: `compare ${range(step)} with its source`,
      leavable: true,
      progressOf: `${range(step)} on ${node}`,
    };
    await settle(context, id, options);
    const result =
      doneResult(context, id) ??
      (await operate(context, id, options, async () => ({
        node,
        request: { kind: "verify", keyspace, ...segment },
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
  back: null,
};
