import { EXIT } from "../../errors.js";
import type { Segment } from "../../keyspace/segment.js";
import { sha256 } from "../../plan/hash.js";
import type { LinkStep } from "../../plan/types.js";
import { range } from "../../plan/say.js";
import { covers, entriesOn, partsWithin, together } from "../ask.js";
import { type ShardContext, statusOf } from "../context.js";
import { StepFailure, failure } from "../failure.js";
import { operate, settle } from "../operation.js";
import { dropCopies } from "./drop-copies.js";
import type { StepHandler } from "./handler.js";

export const link: StepHandler<LinkStep> = {
  apply: async (context, step) => {
    const { id, keyspace, node, source, purpose, bytesPerSecond } = step;
    const options = {
      undo: false,
      what: `link ${range(step)} from ${source}`,
      atStop: "wait",
    } as const;
    await settle(context, id, options);
    const prepare = async () => {
      const parts = together(await unlinkedParts(context, step));
      if (parts === null) return null;
      const { also = [], ...first } = parts;
      const name = linkId(context, id);
      const made = { link: name, generation: 0n };
      return {
        node,
        request: {
          kind: "link" as const,
          keyspace,
          ...parts,
          sharding: shardingOf(context, keyspace),
          link: name,
          source: { node: source, url: context.agents.urlOf(source) },
          purpose,
          bytesPerSecond,
        },
        inverse: {
          kind: "drop" as const,
          keyspace,
          ...first,
          ...made,
          also: also.map((part) => ({ ...part, ...made })),
        },
        preState: null,
      };
    };
    while ((await operate(context, id, options, prepare)) !== null);
  },
  undo: (context, step) => dropCopies(context, step, true),
};

/** How the keyspace of a plan is sharded. */
export function shardingOf({ plan }: ShardContext, keyspace: string): "range" | "consistent-hash" {
  const found = plan.keyspaces.find(({ id }) => id === keyspace);
  if (found === undefined) throw new Error(`the plan has no keyspace ${keyspace}`);
  return found.sharding;
}

/**
 * The parts that the node does not follow yet, each of one entry of its source, because each entry has its own positions: a
 * segment that was once taken over in slices is linked slice by slice.
 */
async function unlinkedParts(context: ShardContext, step: LinkStep): Promise<Segment[]> {
  const { id, keyspace, segments, node, source } = step;
  const sources = await entriesOn(context, id, source, keyspace, segments);
  if (!covers(sources, segments)) {
    throw new StepFailure(
      failure(
        "no-source",
        `${source} does not hold all of ${range(step)}: it cannot be copied from there`,
      ),
      EXIT.partial,
    );
  }
  const name = linkId(context, id);
  const held = new Set(
    (await entriesOn(context, id, node, keyspace, segments))
      .filter((entry) => entry.link?.id === name)
      .map(({ lo, hi }) => `${lo} ${hi}`),
  );
  return partsWithin(sources, segments)
    .map(({ part }) => part)
    .filter(({ lo, hi }) => !held.has(`${lo} ${hi}`));
}

/** The same for every attempt, a new one after the link was undone: a copy is known by its link. */
function linkId(context: ShardContext, step: string): string {
  const { ops, steps } = statusOf(context);
  const undone = steps.get(step)?.ops.filter((op) => ops.get(op)?.undo).length ?? 0;
  return sha256(JSON.stringify([context.run, step, undone])).slice(0, 32);
}
