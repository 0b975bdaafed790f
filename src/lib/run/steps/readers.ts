import { EXIT } from "../../errors.js";
import { pieceAt } from "../../keyspace/map.js";
import type { Position } from "../../keyspace/segment.js";
import type { ReadersStep, Step } from "../../plan/types.js";
import { withReaders } from "../../routing/change.js";
import { type RunContext, participantsOf } from "../context.js";
import { StepFailure, failure } from "../failure.js";
import type { StepHandler } from "./handler.js";
import { firstTable, tableOr } from "./first-table.js";
import { whyUnreadable } from "./readable.js";

export const readers: StepHandler<ReadersStep> = {
  apply: async (context, step) => {
    const { id, keyspace, segment, after } = step;
    const needed = participantsOf([step]);
    await refuseUnlessReadable(context, step);
    if (step.before.length === 0) {
      // The keyspace's first table: whole from its first version on, so every step of the wave publishes the same one.
      const readersOf = firstReaders(context, keyspace);
      const table = await firstTable(context, keyspace, ({ lo }) => readersOf(lo));
      await context.publisher.publish(id, keyspace, () => table, needed);
      return;
    }
    await context.publisher.publish(
      id,
      keyspace,
      async (table) => withReaders(await tableOr(context, keyspace, table), segment, after),
      needed,
    );
  },
  undo: async (context, { id, keyspace, segment, before }) => {
    if ((await context.publisher.current(keyspace)) === null) return;
    await context.publisher.publish(
      id,
      keyspace,
      async (table) => withReaders(await tableOr(context, keyspace, table), segment, before),
      [],
    );
  },
};

/** Reads that nobody can answer would go on to the writer: nobody would see that the copy is not there. */
async function refuseUnlessReadable(context: RunContext, step: ReadersStep): Promise<void> {
  const { id, keyspace, segment, before, after } = step;
  const weightOf = (node: string) => before.find((known) => known.node === node)?.weight ?? 0;
  const gaining = after.filter(({ node, weight }) => weight > weightOf(node));
  const problems = await Promise.all(
    gaining.map(async ({ node }) => {
      const why = await whyUnreadable(context, id, { node, keyspace, segment });
      return why === null ? [] : [`${node} ${why}`];
    }),
  );
  if (problems.flat().length === 0) return;
  const message = `${problems.flat().join("; ")}: no reads are sent there`;
  const hint = "ops agent status shows what every node holds";
  throw new StepFailure(failure("not-readable", message, { hint }), EXIT.partial);
}

/** The first readers at a position, as the plan has them. */
function firstReaders(
  { plan }: RunContext,
  keyspace: string,
): (at: Position) => ReadersStep["after"] {
  const steps: Step[] = plan.stages.flatMap(({ waves }) => waves.flat());
  const pieces = steps.flatMap((step) =>
    step.kind === "readers" && step.keyspace === keyspace && step.before.length === 0
      ? [{ ...step.segment, value: step.after }]
      : [],
  );
  const sorted = pieces.toSorted((a, b) => (a.lo < b.lo ? -1 : 1));
  return (at) => pieceAt(sorted, at)?.value ?? [];
}
