import { overlapOf } from "../../keyspace/map.js";
import type { RepointStep } from "../../plan/types.js";
import { range } from "../../plan/say.js";
import { entriesOn } from "../ask.js";
import { type RunContext, statusOf } from "../context.js";
import { operate, settle } from "../operation.js";
import type { StepHandler } from "./handler.js";

/** Whom a part of the segment followed before. */
interface Previous {
  readonly lo: string;
  readonly hi: string;
  readonly node: string;
  readonly url: string;
}

export const repoint: StepHandler<RepointStep> = {
  apply: async (context, step) => {
    const { id, keyspace, segment, node, source } = step;
    const options = { undo: false, what: `follow ${source} in ${range(step)}`, leavable: false };
    await settle(context, id, options);
    await operate(context, id, options, async () => {
      const entries = await entriesOn(context, id, node, keyspace, segment);
      if (entries.length > 0 && entries.every((entry) => entry.source?.node === source))
        return null;
      return {
        node,
        request: {
          kind: "repoint",
          keyspace,
          ...segment,
          source: { node: source, url: context.agents.urlOf(source) },
        },
        inverse: null,
        preState: entries.flatMap((entry) => {
          const part = overlapOf(entry, segment);
          return part === null || entry.source === null
            ? []
            : [{ lo: String(part.lo), hi: String(part.hi), ...entry.source }];
        }),
      };
    });
  },
  undo: async (context, step) => {
    const { id, keyspace, node } = step;
    const options = {
      undo: true,
      what: `follow its earlier source in ${range(step)}`,
      leavable: false,
    };
    await settle(context, id, options);
    for (const { lo, hi, ...source } of previousOf(context, id)) {
      const segment = { lo: BigInt(lo), hi: BigInt(hi) };
      await operate(context, id, options, async () => {
        const entries = await entriesOn(context, id, node, keyspace, segment);
        if (entries.every((entry) => entry.source === null || entry.source.node === source.node))
          return null;
        return {
          node,
          request: { kind: "repoint", keyspace, ...segment, source },
          inverse: null,
          preState: null,
        };
      });
    }
  },
};

/** From the first attempt since the step was last undone: a later one may already have seen the new source. */
function previousOf(context: RunContext, step: string): readonly Previous[] {
  const { ops, steps } = statusOf(context);
  const all = (steps.get(step)?.ops ?? []).map((op) => ops.get(op)!);
  const forward = all
    .slice(all.findLastIndex(({ undo }) => undo) + 1)
    .concat(all)
    .find(({ undo }) => !undo);
  return (forward?.preState ?? []) as unknown as readonly Previous[];
}
