import { EXIT, OpsError } from "../errors.js";
import type { Observed } from "../plan/observed.js";
import type { Plan } from "../plan/any.js";
import { type AgendaLine, agendaBack, agendaFinal, agendaForward, linesOf } from "./agenda.js";
import type { Agents } from "./agents.js";
import { assertNotBuiltOn } from "./built-on.js";
import { participantsOf } from "./context.js";
import { assertCurrent } from "./drift/stale.js";
import { soakLeft } from "./finalize.js";
import { findRun } from "./find-run.js";
import { readHistory } from "./journal/journal.js";
import { isUntouched } from "./journal/status.js";
import { observeAgents } from "./observe.js";
import { type RunEnvironment, planOf } from "./session.js";
import { assertUnused, wayBack } from "./way-back.js";
import { agendaWithout, goneFor } from "./without.js";

/** What a command would do. Made with reading requests only, and without a lock: nothing anywhere is changed by it. */
export interface Preview {
  /** Null for a run that would be new. */
  readonly run: string | null;
  readonly lines: readonly AgendaLine[];
  readonly notes: readonly string[];
}

type Reading = Pick<RunEnvironment, "store" | "connect" | "clock">;

/** @throws OpsError as applying the plan would: `stale-plan`, `unreachable`, `unfinished-run` */
export async function previewApply(
  env: Reading,
  plan: Plan,
  until: string | null,
  without: readonly string[] = [],
): Promise<Preview> {
  const found = await findRun(env.store, plan);
  const status = found.what === "new" ? null : found.status;
  if (found.what === "resume") await assertNotBuiltOn(env.store, found.status);
  if (found.what === "applied") {
    const { run, activity } = found.status;
    const note = `the plan is applied${activity === "soaking" ? "; the run soaks" : ""}`;
    return { run, lines: [], notes: [note] };
  }
  const gone = new Set([...(status?.without.keys() ?? []), ...without]);
  const left = agendaWithout(agendaForward(plan, status, until), gone);
  const { agenda } = left;
  const needed = participantsOf(agenda.flatMap(({ waves }) => waves.flat(2)));
  const isNew = status === null || isUntouched(status);
  const notes = await reach(env, plan, needed, (_, observed) => {
    if (isNew && plan.kind === "shards") assertCurrent(plan, observed);
  });
  return {
    run: status?.run ?? null,
    lines: linesOf(agenda, "forward"),
    notes: [...left.notes, ...notes],
  };
}

export async function previewRollback(
  env: Reading,
  run: string,
  to: string | null,
): Promise<Preview> {
  const target = await wayBack(env.store, run, to);
  const { status } = await readHistory(env.store, run);
  if (target === undefined || status === null)
    return { run, lines: [], notes: ["there is nothing to roll back"] };
  const plan = await planOf(env.store, run);
  const notes = await reach(env, plan, [], (agents) => assertUnused(agents, plan, status, target));
  return { run, lines: linesOf(agendaBack(plan, status, target), "back"), notes };
}

export async function previewFinalize(env: Reading, run: string): Promise<Preview> {
  const left = await soakLeft(env, run);
  const { status } = await readHistory(env.store, run);
  if (left === null || status === null)
    return { run, lines: [], notes: ["there is nothing to finalize"] };
  await assertNotBuiltOn(env.store, status);
  const plan = await planOf(env.store, run);
  const notes = await reach(env, plan, []);
  if (left > 0 && status.soakUntil !== null)
    notes.unshift(`the run soaks until ${status.soakUntil}`);
  return { run, lines: linesOf(agendaFinal(plan, status), "forward"), notes };
}

/** What `resumeRun` would do. */
export async function previewResume(
  env: Reading,
  run: string,
  without: readonly string[],
): Promise<Preview> {
  const { status } = await readHistory(env.store, run);
  if (status === null || status.activity === "ended" || status.activity === "soaking") {
    return { run, lines: [], notes: ["there is nothing to resume"] };
  }
  const plan = await planOf(env.store, run);
  await goneFor(env, plan, status, without);
  if (status.direction === "undo") return previewRollback(env, run, status.undoTo);
  if (status.direction === "finalize") return previewFinalize(env, run);
  return previewApply(env, plan, null, without);
}

/** Looks at the agents; `needed` ones must answer. `check` throws what else stands in the way. */
async function reach(
  env: Reading,
  plan: Plan,
  needed: readonly string[],
  check: (agents: Agents, observed: Observed) => void | Promise<void> = () => {},
): Promise<string[]> {
  const agents = await env.connect(plan.nodes);
  try {
    const observed = await observeAgents(agents, 0);
    const missing = observed.unreachable.filter(({ node }) => needed.includes(node));
    if (missing.length > 0) {
      const exit = missing.length === needed.length ? EXIT.unreachable : EXIT.refused;
      const list = missing.map(({ node, why }) => `\n  ${node}: ${why}`).join("");
      throw new OpsError("unreachable", exit, `Agents that are needed do not answer:${list}`, {
        hint: "start them, then try again",
      });
    }
    await check(agents, observed);
    return observed.unreachable.map(({ node, why }) => `${node} does not answer: ${why}`);
  } finally {
    await agents.close();
  }
}
