import type { SoakStep } from "../../plan/types.js";
import { askNode, waitFor } from "../ask.js";
import type { RouteChange, ShardContext } from "../context.js";
import type { StepHandler } from "./handler.js";
import { tableOr } from "./first-table.js";

/**
 * The wait itself holds no lock and needs no process: the run is then soaking until its time is over. Done here: every agent
 * has the routes, every link of the plan's keyspaces is whole.
 */
export const soak: StepHandler<SoakStep> = {
  apply: (context, step) => confirmConvergence(context, step.id),
  undo: null,
};

/** @throws StepFailure that names the agent without the routes, or the broken link */
export async function confirmConvergence(
  context: ShardContext,
  step: string | null,
): Promise<void> {
  const { plan, agents, publisher } = context;
  for (const { id: keyspace } of plan.keyspaces) {
    const again: RouteChange = (table) => tableOr(context, keyspace, table);
    await publisher.publish(step, keyspace, again, agents.nodes);
  }
  const keyspaces = new Set(plan.keyspaces.map(({ id }) => id));
  await Promise.all(
    agents.nodes.map((node) =>
      waitFor(context, "link-broken", async () => {
        const { entries } = await askNode(context, step, node);
        const broken = entries.find(
          (entry) =>
            keyspaces.has(entry.keyspace) &&
            entry.role !== "primary" &&
            entry.link?.phase !== "streaming",
        );
        if (broken === undefined) return entries;
        const why = broken.link?.error ? ` (${broken.link.error})` : "";
        return `${node} does not keep up with ${broken.keyspace} [${broken.lo}, ${broken.hi}): its link is ${broken.link?.phase ?? "missing"}${why}`;
      }),
    ),
  );
}
