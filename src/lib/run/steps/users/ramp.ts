import type { EntryLevel } from "../../../agent/protocol/access.js";
import type { RampStep } from "../../../plan/users/types.js";
import { waitFor } from "../../ask.js";
import { type UserContext, unlessLeft } from "../../context.js";
import { unwellText } from "../../../policy/unwell.js";
import { asProblem } from "../../failure.js";
import type { StepHandler } from "../handler.js";

/** The agents ramp by their own clocks; a site that is not well holds the ramp, and that is said. */
export const ramp: StepHandler<RampStep> = {
  apply: async (context, { id, entries, seconds }) => {
    await context.clock.sleep(seconds * 1000, context.stop.stopping);
    const silentSince = new Map<string, number>();
    const dead: Dead = new Map();
    const silent = await waitFor(
      context,
      "ramp",
      () => look(context, entries, silentSince, dead),
      () => nextOf(context, silentSince, dead),
    );
    if (silent.length === 0) return;
    const facts = { nodes: silent };
    await context.journal.append({ type: "evidence", step: id, about: "silent", facts });
    const message = `${silent.join(", ")} did not answer: whether users are still kept away there by ${entries.join(", ")} is not known`;
    context.emit({ type: "note", message });
  },
  undo: null,
};

/** Gateways that take no connections and hold the ramp, by the names that the policy has for them, and where nothing is reached. */
type Dead = Map<string, Set<string>>;

/**
 * The agents that have not answered for so long that nobody waits for them, once the others keep nobody away; else what is waited for.
 * `silentSince`: of each that does not answer, since when.
 */
async function look(
  { agents, clock, patience, ...context }: UserContext,
  entries: readonly string[],
  silentSince: Map<string, number>,
  dead: Dead,
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
        const unwell = holding.flatMap((one) => one.unwell?.addresses ?? []);
        for (const { node: gateway, url, connects } of unwell) {
          if (connects || gateway === null) continue;
          dead.set(gateway, (dead.get(gateway) ?? new Set()).add(url));
        }
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

/** A run goes on without an agent of its own only, and only while that does not answer: nothing else is offered `--without`. */
function nextOf(
  { run, agents }: UserContext,
  silentSince: ReadonlyMap<string, number>,
  dead: Dead,
): string | null {
  if (dead.size === 0) return null;
  const resume = `ops run resume ${run}`;
  const gateways = [...dead.keys()].toSorted();
  const silent = gateways.filter((node) => silentSince.has(node));
  const without = silent.map((node) => ` --without ${node}`).join("");
  const others = gateways.flatMap((node) => {
    if (silentSince.has(node)) return [];
    const urls = [...dead.get(node)!].join(", ");
    return agents.nodes.includes(node)
      ? `${node}: its agent answers; nothing reaches ${urls}: mend that, then ${resume}`
      : `start ${node} again, then ${resume}; gone for good: ops run rollback ${run}, then restore again with a topology file that does not have it`;
  });
  const first =
    silent.length === 0
      ? []
      : [`start ${silent.join(", ")} again, then ${resume}; gone for good: ${resume}${without}`];
  return [...first, ...others].join("\n      ");
}
