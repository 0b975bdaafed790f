import type { RelabelStep } from "../../plan/types.js";
import { withShard } from "../../routing/change.js";
import type { ShardContext } from "../context.js";
import type { StepHandler } from "./handler.js";
import { tableOr } from "./first-table.js";

/** Only routes know of shards. */
export const relabel: StepHandler<RelabelStep> = {
  apply: (context, step) => name(context, step, step.shard),
  undo: (context, step) => name(context, step, step.shardBefore),
};

async function name(
  context: ShardContext,
  { id, keyspace, segments }: RelabelStep,
  shard: string,
): Promise<void> {
  await context.publisher.publish(
    id,
    keyspace,
    async (table) => withShard(await tableOr(context, keyspace, table), segments, shard),
    [],
  );
}
