import type { InitStep } from "../../plan/types.js";
import { range } from "../../plan/say.js";
import { entriesOn, together } from "../ask.js";
import { doneResult, operate, settle } from "../operation.js";
import type { StepHandler } from "./handler.js";
import { shardingOf } from "./link.js";

export const init: StepHandler<InitStep> = {
  apply: async (context, step) => {
    const { id, keyspace, node } = step;
    const options = {
      undo: false,
      what: `become the first primary of ${range(step)}`,
      atStop: "wait",
    } as const;
    await settle(context, id, options);
    if (doneResult(context, id) !== null) return;
    const segments = together(step.segments)!;
    await operate(context, id, options, async () => {
      const request = {
        kind: "init" as const,
        keyspace,
        ...segments,
        sharding: shardingOf(context, keyspace),
      };
      return {
        node,
        request,
        inverse: { kind: "retract", keyspace, ...segments },
        preState: null,
      };
    });
  },
  undo: async (context, step) => {
    const { id, keyspace, node, segments } = step;
    const options = { undo: true, what: `retract ${range(step)}`, atStop: "wait" } as const;
    await settle(context, id, options);
    await operate(context, id, options, async () => {
      const entries = await entriesOn(context, id, node, keyspace, segments);
      if (entries.length === 0) return null;
      return {
        node,
        request: { kind: "retract", keyspace, ...together(segments)! },
        inverse: null,
        preState: null,
      };
    });
  },
};
