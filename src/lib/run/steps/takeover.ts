import type { EntryStatus } from "../../agent/protocol/node.js";
import { overlapOf } from "../../keyspace/map.js";
import type { TakeoverStep } from "../../plan/types.js";
import { withWriter } from "../../routing/change.js";
import { entriesOn } from "../ask.js";
import type { RunContext } from "../context.js";
import { operate } from "../operation.js";
import type { StepHandler } from "./handler.js";
import type { RouteChange } from "../publish.js";
import { tableOr } from "./first-table.js";
import { type Handover, awaitReverseLink, takeOver } from "./take-over.js";

export const takeover: StepHandler<TakeoverStep> = {
  apply: async (context, step) => {
    const handover = forward(step);
    const entries = await takeOver(context, handover);
    await context.publisher.publish(
      step.id,
      step.keyspace,
      writer(context, step, step.node, step.shard, entries),
      [step.node, step.from],
    );
    await awaitReverseLink(context, handover);
  },
  undo: async (context, step) => {
    const back: Handover = { ...forward(step), from: step.node, to: step.from, undo: true };
    const { id, keyspace, segment, from } = step;
    const held = await entriesOn(context, id, from, keyspace, segment);
    if (!held.every(({ role }) => role === "primary")) await proveWayBack(context, step, back);
    const entries = await takeOver(context, back);
    // Clients with an older table are redirected: an agent that does not answer must not keep the writes from going back.
    await context.publisher.publish(
      id,
      keyspace,
      writer(context, step, from, step.shardBefore, entries),
      [],
    );
  },
};

function forward({ id, keyspace, segment, node, from, budgetMs }: TakeoverStep): Handover {
  return { step: id, keyspace, segment, from, to: node, budgetMs, undo: false };
}

/** The old writer must follow, and be known to be equal, before the writes go back to it. */
async function proveWayBack(
  context: RunContext,
  step: TakeoverStep,
  back: Handover,
): Promise<void> {
  const { id, keyspace, segment, node, from } = step;
  const entries = await entriesOn(context, id, node, keyspace, segment);
  // A takeover that never happened, or whose outcome is still asked for, has no reverse link.
  if (!entries.some(({ role }) => role === "primary")) return;
  const following = await awaitReverseLink(context, { ...back, from, to: node });
  for (const { lo, hi, link } of following) {
    if (link?.verified !== false) continue;
    const part = overlapOf({ lo, hi }, segment)!;
    const options = {
      undo: true,
      what: `compare ${keyspace} [${part.lo}, ${part.hi}) with its source`,
      leavable: false,
    };
    let proven = false;
    await operate(context, id, options, async () => {
      if (proven) return null;
      proven = true;
      return {
        node: from,
        request: { kind: "verify", keyspace, ...part },
        inverse: null,
        preState: null,
      };
    });
  }
}

/** The change of routes that sends the writes to where they now are, at the generations that they now have. */
function writer(
  context: RunContext,
  { keyspace, segment }: TakeoverStep,
  node: string,
  shard: string,
  entries: readonly EntryStatus[],
): RouteChange {
  return async (table) =>
    entries.reduce(
      (routes, entry) => {
        const part = overlapOf(entry, segment);
        return part === null ? routes : withWriter(routes, part, node, shard, entry.generation);
      },
      await tableOr(context, keyspace, table),
    );
}
