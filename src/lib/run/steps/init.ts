import type { InitStep } from "../../plan/types.js";
import { range } from "../../plan/say.js";
import { entriesOn } from "../ask.js";
import { doneResult, operate, settle } from "../operation.js";
import type { StepHandler } from "./handler.js";
import { shardingOf } from "./link.js";

export const init: StepHandler<InitStep> = {
  apply: async (context, step) => {
    const { id, keyspace, node } = step;
    const options = {
      undo: false,
      what: `become the first primary of ${range(step)}`,
      leavable: false,
    };
    await settle(context, id, options);
    if (doneResult(context, id) !== null) return;
    await operate(context, id, options, async () => {
      const request = {
        kind: "init" as const,
        keyspace,
        ...step.segment,
        sharding: shardingOf(context, keyspace),
      };
      return {
        node,
        request,
        inverse: { kind: "retract", keyspace, ...step.segment },
        preState: null,
      };
    });
  },
  undo: async (context, step) => {
    const { id, keyspace, node, segment } = step;
    const options = { undo: true, what: `retract ${range(step)}`, leavable: false };
    await settle(context, id, options);
    await operate(context, id, options, async () => {
      const entries = await entriesOn(context, id, node, keyspace, segment);
      if (entries.length === 0) return null;
      return {
        node,
        request: { kind: "retract", keyspace, ...segment },
        inverse: null,
        preState: null,
      };
    });
  },
};
