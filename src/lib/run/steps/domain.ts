import { EXIT } from "../../errors.js";
import type { Segment } from "../../keyspace/segment.js";
import { formatSegment } from "../../keyspace/wire.js";
import { holdersOf } from "../../plan/holdings.js";
import type { DomainStep } from "../../plan/types.js";
import { agendaBack } from "../agenda.js";
import { entriesOn } from "../ask.js";
import { type ShardContext, statusOf } from "../context.js";
import { StepFailure, failure } from "../failure.js";
import { wholeStages } from "../journal/status.js";
import type { StepHandler } from "./handler.js";
import { planKeyspace, tableOfHolders, tableOr, tableOver, writersBefore } from "./first-table.js";

export const domain: StepHandler<DomainStep> = {
  apply: (context, step) =>
    cover(
      context,
      step,
      step.after,
      holdersOf(planKeyspace(context, step.keyspace)),
      step.anew === true,
    ),
  undo: async (context, step) => {
    // Withdrawn is only what was published.
    if (step.before === null && (await context.publisher.current(step.keyspace)) === null) return;
    const status = statusOf(context);
    // What this rollback will take from its first primaries.
    const made = agendaBack(context.plan, status, status.undoTo)
      .flatMap(({ waves }) => waves.flat())
      .flatMap((one) => (one.kind === "init" && one.keyspace === step.keyspace ? [one] : []));
    // They refuse writes that their own routes do not lead to.
    const writers = writersBefore(planKeyspace(context, step.keyspace));
    const needed = [...new Set([...writers, ...made.map(({ node }) => node)])].toSorted();
    await cover(context, step, step.before, needed, false);
    // Nobody writes there from now on. Who did so since the rollback began is found out while the copies are still there.
    for (const { node, segments } of made) await assertUnwritten(context, step, node, segments);
  },
};

/** Throws StepFailure `in-use` (exit 3). */
async function assertUnwritten(
  context: ShardContext,
  { id, keyspace }: DomainStep,
  node: string,
  segments: readonly Segment[],
): Promise<void> {
  const entries = await entriesOn(context, id, node, keyspace, segments);
  const written = entries.find(({ untouched }) => !untouched);
  if (written === undefined) return;
  const last = wholeStages(statusOf(context)).at(-1)?.id;
  const message = `${keyspace} ${formatSegment(written)} on ${node} was written while the run was rolled back: with the rest of the rollback that would be lost`;
  const hint =
    last === undefined
      ? {}
      : {
          hint: `to keep it and go forward again: ops shard rollback ${context.run} --to ${last}, then ops run resume ${context.run}`,
        };
  throw new StepFailure(failure("in-use", message, hint), EXIT.refused);
}

/** Publishes routes over the domain; null withdraws them. */
async function cover(
  context: ShardContext,
  { id, keyspace }: DomainStep,
  to: Segment | null,
  needed: readonly string[],
  anew: boolean,
): Promise<void> {
  await context.publisher.publish(
    id,
    keyspace,
    async (table) =>
      to === null
        ? { ...(await tableOr(context, keyspace, table)), withdrawn: true }
        : anew
          ? tableOfHolders(context, keyspace, table, to)
          : tableOver(context, keyspace, table, to),
    needed,
  );
}
