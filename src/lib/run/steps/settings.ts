import { holdersOf } from "../../plan/holdings.js";
import type { SettingsStep } from "../../plan/types.js";
import type { KeyspaceSettings } from "../../routing/settings.js";
import type { ShardContext } from "../context.js";
import type { StepHandler } from "./handler.js";
import { planKeyspace, tableOr, writersBefore } from "./first-table.js";

export const settings: StepHandler<SettingsStep> = {
  apply: (context, step) =>
    tell(context, step, step.after, holdersOf(planKeyspace(context, step.keyspace))),
  // Each writer goes by its own table.
  undo: (context, step) =>
    tell(context, step, step.before, writersBefore(planKeyspace(context, step.keyspace))),
};

async function tell(
  context: ShardContext,
  { id, keyspace }: SettingsStep,
  to: KeyspaceSettings,
  needed: readonly string[],
): Promise<void> {
  await context.publisher.publish(
    id,
    keyspace,
    async (table) => ({ ...(await tableOr(context, keyspace, table)), settings: to }),
    needed,
  );
}
