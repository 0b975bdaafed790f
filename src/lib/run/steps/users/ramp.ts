import type { EntryLevel } from "../../../agent/protocol/access.js";
import type { RampStep } from "../../../plan/users/types.js";
import { waitFor } from "../../ask.js";
import { type UserContext, unlessLeft } from "../../context.js";
import { deadNodes, unwellText } from "../../../policy/unwell.js";
import { asProblem } from "../../failure.js";
import type { StepHandler } from "../handler.js";

/** The agents ramp by their own clocks; a site that is not well holds the ramp, and that is said. */
export const ramp: StepHandler<RampStep> = {
  apply: async (context, { id, entries, seconds }) => {
    await context.clock.sleep(seconds * 1000, context.stop.stopping);
    const silentSince = new Map<string, number>();
    const dead = new Set<string>();
    const silent = await waitFor(
      context,
      "ramp",
      () => look(context, entries, silentSince, dead),
      () => nextOf(context, [...dead]),
    );
    if (silent.length === 0) return;
    const facts = { nodes: silent };
    await context.journal.append({ type: "evidence", step: id, about: "silent", facts });
    const message = `${silent.join(", ")} did not answer: whether users are still kept away there by ${entries.join(", ")} is not known`;
    context.emit({ type: "note", message });
  },
  undo: null,
};

/**
 * The agents that have not answered for so long that nobody waits for them, once the others keep nobody away; else what is waited for.
 * `silentSince`: of each that does not answer, since when; `dead`: gateways that take no connections, and hold the ramp.
 */
async function look(
  { agents, clock, patience, ...context }: UserContext,
  entries: readonly string[],
  silentSince: Map<string, number>,
  dead: Set<string>,
): Promise<readonly string[] | string> {
  const waiting: string[] = [];
  dead.clear();
  await Promise.all(
    agents.nodes.map(async (node) => {
      const levels = await unlessLeft(context, agents.of(node).policy()).then(
        (answer) => answer.levels,
        (error: unknown) => {
          asProblem(error);
          return null;
        },
      );
      if (levels !== null) {
        silentSince.delete(node);
        const holding = levels.filter(({ entry, level }) => entries.includes(entry) && level > 0);
        waiting.push(...holding.map((one) => heldBack(node, one)));
        for (const { unwell } of holding)
          for (const gateway of unwell === null ? [] : deadNodes(unwell)) dead.add(gateway);
        return;
      }
      if (!silentSince.has(node)) silentSince.set(node, clock.now());
      if (clock.now() - silentSince.get(node)! < patience.routesMs)
        waiting.push(`${node} does not answer`);
    }),
  );
  if (silentSince.size === agents.nodes.length) return "no access agent answers";
  return waiting.length > 0 ? waiting.toSorted().join("; ") : [...silentSince.keys()].toSorted();
}

function heldBack(node: string, { entry, level, held, unwell }: EntryLevel): string {
  const why = unwell === null ? "" : `: ${unwellText(unwell)}`;
  const holding = held ? `, because the site is not well${why}` : "";
  return `${node} still keeps ${Math.round(level * 100)}% away by ${entry}${holding}`;
}

function nextOf({ run }: UserContext, dead: readonly string[]): string | null {
  if (dead.length === 0) return null;
  const without = dead.map((node) => ` --without ${node}`).join("");
  return `start ${dead.join(", ")} again, then ops run resume ${run}; gone for good: ops run resume ${run}${without}`;
}
