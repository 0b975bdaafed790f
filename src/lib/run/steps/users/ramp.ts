import type { RampStep } from "../../../plan/users/types.js";
import { ask, waitFor } from "../../ask.js";
import { type UserContext } from "../../context.js";
import type { StepHandler } from "../handler.js";

/** The agents ramp by their own clocks; a site that is not well holds the ramp, and that is said. */
export const ramp: StepHandler<RampStep> = {
  apply: async (context, { id, entries, seconds }) => {
    await context.clock.sleep(seconds * 1000, context.stop.stopping);
    await waitFor(context, "ramp", async () => {
      const held = await heldBack(context, id, entries);
      return held.length === 0 ? entries : held.join("; ");
    });
  },
  undo: null,
};

async function heldBack(
  context: UserContext,
  step: string,
  entries: readonly string[],
): Promise<string[]> {
  const told = await Promise.all(
    context.agents.nodes.map(async (node) => {
      const { levels } = await ask(context, step, node, "tell its policy", (agent) =>
        agent.policy(),
      );
      const left = levels.filter(({ entry, level }) => entries.includes(entry) && level > 0);
      return left.map(
        ({ entry, level, held }) =>
          `${node} still keeps ${Math.round(level * 100)}% away by ${entry}${held ? ": the site is not well" : ""}`,
      );
    }),
  );
  return told.flat();
}
