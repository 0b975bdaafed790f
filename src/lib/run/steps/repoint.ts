import type { NodeRef } from "../../agent/protocol/json.js";
import { sortSegments } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import type { RepointStep } from "../../plan/types.js";
import { range } from "../../plan/say.js";
import { entriesOn, partsWithin, together } from "../ask.js";
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
    const { id, keyspace, segments, node, source } = step;
    const options = {
      undo: false,
      what: `follow ${source} in ${range(step)}`,
      atStop: "wait",
    } as const;
    await settle(context, id, options);
    await operate(context, id, options, async () => {
      const entries = await entriesOn(context, id, node, keyspace, segments);
      if (entries.length > 0 && entries.every((entry) => entry.source?.node === source))
        return null;
      return {
        node,
        request: {
          kind: "repoint",
          keyspace,
          ...together(segments)!,
          source: { node: source, url: context.agents.urlOf(source) },
        },
        inverse: null,
        preState: partsWithin(entries, segments).flatMap(({ part, entry }) =>
          entry.source === null
            ? []
            : [{ lo: String(part.lo), hi: String(part.hi), ...entry.source }],
        ),
      };
    });
  },
  undo: async (context, step) => {
    const { id, keyspace, node } = step;
    const options = {
      undo: true,
      what: `follow its earlier source in ${range(step)}`,
      atStop: "wait",
    } as const;
    await settle(context, id, options);
    for (const { source, segments } of bySource(previousOf(context, id))) {
      await operate(context, id, options, async () => {
        const entries = await entriesOn(context, id, node, keyspace, segments);
        if (entries.every((entry) => entry.source === null || entry.source.node === source.node))
          return null;
        return {
          node,
          request: { kind: "repoint", keyspace, ...together(segments)!, source },
          inverse: null,
          preState: null,
        };
      });
    }
  },
};

/** The segments that followed the same copy, sorted. */
function bySource(
  previous: readonly Previous[],
): { readonly source: NodeRef; readonly segments: Segment[] }[] {
  const groups = new Map<string, { source: NodeRef; segments: Segment[] }>();
  for (const { lo, hi, node, url } of previous) {
    const key = `${node} ${url}`;
    const group = groups.get(key) ?? { source: { node, url }, segments: [] };
    groups.set(key, group);
    group.segments.push({ lo: BigInt(lo), hi: BigInt(hi) });
  }
  return [...groups.values()].map(({ source, segments }) => ({
    source,
    segments: sortSegments(segments),
  }));
}

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
