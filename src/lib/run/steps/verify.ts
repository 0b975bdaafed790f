import type { VerifyStep } from "../../plan/types.js";
import { range } from "../../plan/say.js";
import { covers, entriesOn, together } from "../ask.js";
import type { RunContext } from "../context.js";
import type { JsonObject } from "../journal/records.js";
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
    const entries = step.unlessProven ? await entriesOn(context, id, node, keyspace, segments) : [];
    const isProven =
      covers(entries, segments) && entries.every(({ link }) => link?.verified === true);
    if (isProven) return tell(context, id, { unlessProven: true });
    const result =
      doneResult(context, id) ??
      (await operate(context, id, options, async () => ({
        node,
        request: { kind: "verify", keyspace, ...together(segments)! },
        inverse: null,
        preState: null,
      })));
    await tell(context, id, result ?? {});
  },
  undo: null,
};

async function tell(context: RunContext, step: string, facts: JsonObject): Promise<void> {
  await context.journal.append({ type: "evidence", step, about: "verify", facts });
  context.emit({ type: "evidence", step, about: "verify", facts });
}
