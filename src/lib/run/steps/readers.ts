import { EXIT } from "../../errors.js";
import type { ReadersStep } from "../../plan/types.js";
import { withReaders } from "../../routing/change.js";
import { type RunContext, participantsOf } from "../context.js";
import { StepFailure, failure } from "../failure.js";
import type { StepHandler } from "./handler.js";
import { tableOr } from "./first-table.js";
import { whyUnreadable } from "./readable.js";

export const readers: StepHandler<ReadersStep> = {
  apply: async (context, step) => {
    const { id, keyspace, segments, after } = step;
    await refuseUnlessReadable(context, step);
    await context.publisher.publish(
      id,
      keyspace,
      async (table) => withReaders(await tableOr(context, keyspace, table), segments, after),
      participantsOf([step]),
    );
  },
  undo: async (context, { id, keyspace, segments, before }) => {
    if ((await context.publisher.current(keyspace)) === null) return;
    await context.publisher.publish(
      id,
      keyspace,
      async (table) => withReaders(await tableOr(context, keyspace, table), segments, before),
      [],
    );
  },
};

/** Reads that nobody can answer would go on to the writer: nobody would see that the copy is not there. */
async function refuseUnlessReadable(context: RunContext, step: ReadersStep): Promise<void> {
  const { id, keyspace, segments, before, after } = step;
  const weightOf = (node: string) => before.find((known) => known.node === node)?.weight ?? 0;
  const gaining = after.filter(({ node, weight }) => weight > weightOf(node));
  const problems = await Promise.all(
    gaining.map(async ({ node }) => {
      const why = await whyUnreadable(context, id, { node, keyspace, segments });
      return why === null ? [] : [`${node} ${why}`];
    }),
  );
  if (problems.flat().length === 0) return;
  const message = `${problems.flat().join("; ")}: no reads are sent there`;
  const hint = "ops agent status shows what every node holds";
  throw new StepFailure(failure("not-readable", message, { hint }), EXIT.partial);
}
