import { EXIT, OpsError } from "../errors.js";
import type { Plan } from "../plan/types.js";
import type { StateStore } from "../state/contract.js";
import { agendaBack, findStage, isReversible } from "./agenda.js";
import type { Agents } from "./agents.js";
import { entriesIn } from "./ask.js";
import { assertKnown } from "./damaged-run.js";
import { readHistory } from "./journal/journal.js";
import type { RunStatus } from "./journal/status.js";
import { allRuns, changedSince } from "./runs.js";
import { planOf } from "./session.js";

/**
 * The stage to go back to, checked; undefined when the run is rolled back already.
 * @throws OpsError `no-way-back` (exit 3), `unfinished-run` (exit 3), `damaged-run` (exit 3)
 */
export async function wayBack(
  store: StateStore,
  run: string,
  to: string | null,
): Promise<string | null | undefined> {
  const plan = await planOf(store, run);
  const { status } = await readHistory(store, run);
  if (status === null || status.outcome === "rolled-back" || status.outcome === "refused")
    return undefined;
  await assertReversible(store, status);
  if (to === null) return null;
  const stage = findStage(plan, to);
  if (isReversible(stage)) return stage.id;
  throw new OpsError(
    "no-way-back",
    EXIT.usage,
    `${stage.id} comes last: going back to it undoes nothing`,
  );
}

/** Throws `no-way-back` when old copies are gone, or a later run built on this one; `damaged-run` when one may have. */
export async function assertReversible(store: StateStore, status: RunStatus): Promise<void> {
  const { run, outcome, stages, entered, epochs } = status;
  if (
    outcome === "finalized" ||
    stages.some(({ id, reversible }) => !reversible && entered.has(id))
  )
    throw noWayBack(`run ${run} was ${outcome ?? "partly finalized"}: the old copies are gone`);
  if (outcome !== "applied") return;
  const { runs, damaged } = await allRuns(store);
  assertKnown(
    damaged.filter((other) => other.run > run),
    Object.keys(epochs),
  );
  const later = changedSince(runs, status);
  if (later === null) return;
  if (later.activity === "ended")
    throw noWayBack(`run ${run} was applied, and run ${later.run} changed its keyspaces since`);
  throw new OpsError(
    "unfinished-run",
    EXIT.refused,
    `run ${later.run} of the same keyspaces came after run ${run} and has not ended`,
    { hint: `roll that one back first: ops shard rollback ${later.run}` },
  );
}

/**
 * What a run made from nothing would be gone with all that was written to it since: that is seen before anything is undone. A node
 * that does not answer is not asked again here.
 * @throws OpsError `in-use` (exit 3)
 */
export async function assertUnused(
  agents: Agents,
  plan: Plan,
  status: RunStatus,
  to: string | null,
): Promise<void> {
  const made = agendaBack(plan, status, to)
    .flatMap(({ waves }) => waves.flat())
    .filter((step) => step.kind === "init");
  const nodes = [...new Set(made.map(({ node }) => node))];
  const answers = await Promise.all(
    nodes.map(
      async (node) =>
        [
          node,
          await agents
            .of(node)
            .node()
            .catch(() => null),
        ] as const,
    ),
  );
  const told = new Map(answers);
  for (const { keyspace, node, segment } of made) {
    const answer = told.get(node) ?? null;
    const used =
      answer !== null &&
      entriesIn(answer, keyspace, segment).some(
        ({ generation, cursor }) => generation > 1n || cursor.index > 0n,
      );
    if (!used) continue;
    throw new OpsError(
      "in-use",
      EXIT.refused,
      `${keyspace} [${segment.lo}, ${segment.hi}) on ${node} has been written or moved since run ${status.run} made it: rolled back, that would be lost; nothing was changed`,
      { hint: "plan from here on: ops shard plan with the topology that is wanted" },
    );
  }
}

function noWayBack(message: string): OpsError {
  return new OpsError("no-way-back", EXIT.refused, `${message}, there is nothing to go back to`, {
    hint: "plan the way back: ops shard plan with the earlier topology",
  });
}
