import { union } from "../../keyspace/map.js";
import { range } from "../../plan/say.js";
import type { TakeoverStep } from "../../plan/types.js";
import { withWriters } from "../../routing/change.js";
import { entriesOn, partsWithin, together } from "../ask.js";
import type { ShardContext } from "../context.js";
import { operate } from "../operation.js";
import type { StepHandler } from "./handler.js";
import { tableOr } from "./first-table.js";
import { type Handover, awaitReverseLink, takeOver } from "./take-over.js";

export const takeover: StepHandler<TakeoverStep> = {
  apply: async (context, step) => {
    const { node, from, shard } = step;
    const handover = forward(step);
    await takeOver(context, handover, (parts, hasFailed) =>
      publishWriter(context, step, { node, shard }, parts, hasFailed ? [] : [node, from]),
    );
    await awaitReverseLink(context, handover);
  },
  undo: async (context, step) => {
    const { id, keyspace, segments, from, node, shardBefore: shard } = step;
    const back: Handover = { ...forward(step), from: node, to: from, undo: true };
    const held = await entriesOn(context, id, from, keyspace, segments);
    if (!held.every(({ role }) => role === "primary")) await proveWayBack(context, step, back);
    // Clients with an older table are redirected: an agent that does not answer must not keep the writes from going back.
    await takeOver(context, back, (parts) =>
      publishWriter(context, step, { node: from, shard }, parts, []),
    );
  },
};

function forward({ id, keyspace, segments, node, from, budgetMs }: TakeoverStep): Handover {
  return { step: id, keyspace, segments, from, to: node, budgetMs, undo: false };
}

/** The old writer must follow, and be known to be equal, before the writes go back to it. */
async function proveWayBack(
  context: ShardContext,
  step: TakeoverStep,
  back: Handover,
): Promise<void> {
  const { id, keyspace, segments, node, from } = step;
  const entries = await entriesOn(context, id, node, keyspace, segments);
  // A takeover that never happened, or whose outcome is still asked for, has no reverse link.
  const taken = union(
    partsWithin(
      entries.filter(({ role }) => role === "primary"),
      segments,
    ).map(({ part }) => part),
  );
  if (taken.length === 0) return;
  const following = await awaitReverseLink(context, {
    ...back,
    segments: taken,
    from,
    to: node,
  });
  const unproven = partsWithin(following, taken)
    .filter(({ entry }) => entry.link?.verified === false)
    .map(({ part }) => part);
  const parts = together(unproven);
  if (parts === null) return;
  const options = {
    undo: true,
    what: `compare ${range({ keyspace, segments: unproven })} with its source`,
    atStop: "wait",
  } as const;
  let proven = false;
  await operate(context, id, options, async () => {
    if (proven) return null;
    proven = true;
    return {
      node: from,
      request: { kind: "verify", keyspace, ...parts },
      inverse: null,
      preState: null,
    };
  });
}

/** Sends the writes to where they now are, at the generations that they now have. */
async function publishWriter(
  context: ShardContext,
  { id, keyspace }: TakeoverStep,
  { node, shard }: { readonly node: string; readonly shard: string },
  parts: ReturnType<typeof partsWithin>,
  needed: readonly string[],
): Promise<void> {
  const writers = parts.map(({ part, entry }) => ({
    ...part,
    writer: node,
    shard,
    generation: entry.generation,
  }));
  await context.publisher.publish(
    id,
    keyspace,
    async (table) => withWriters(await tableOr(context, keyspace, table), writers),
    needed,
  );
}
