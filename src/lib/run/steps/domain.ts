import type { Segment } from "../../keyspace/segment.js";
import { copiesOf } from "../../plan/holdings.js";
import type { DomainStep } from "../../plan/types.js";
import type { RunContext } from "../context.js";
import type { StepHandler } from "./handler.js";
import { tableOr, tableOver } from "./first-table.js";

export const domain: StepHandler<DomainStep> = {
  apply: (context, step) => cover(context, step, step.after, holdersOf(context, step.keyspace)),
  undo: async (context, step) => {
    // Withdrawn is only what was published.
    if (step.before === null && (await context.publisher.current(step.keyspace)) === null) return;
    await cover(context, step, step.before, []);
  },
};

/** Publishes routes over the domain; null withdraws them. */
async function cover(
  context: RunContext,
  { id, keyspace }: DomainStep,
  to: Segment | null,
  needed: readonly string[],
): Promise<void> {
  await context.publisher.publish(
    id,
    keyspace,
    async (table) =>
      to === null
        ? { ...(await tableOr(context, keyspace, table)), withdrawn: true }
        : tableOver(context, keyspace, table, to),
    needed,
  );
}

function holdersOf({ plan }: RunContext, keyspace: string): string[] {
  const holdings = plan.keyspaces
    .filter(({ id }) => id === keyspace)
    .flatMap(({ before, after }) => [...before, ...after]);
  return [...new Set(holdings.flatMap(copiesOf))].toSorted();
}
