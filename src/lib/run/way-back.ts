import { AgentProblem } from "../agent/client/problem.js";
import { EXIT, OpsError } from "../errors.js";
import type { Plan } from "../plan/any.js";
import type { StateStore } from "../state/contract.js";
import { agendaBack, findStage, isReversible } from "./agenda.js";
import type { Agents } from "./agents.js";
import { entriesIn } from "./ask.js";
import { assertNotBuiltOn, assertNotReplaced } from "./built-on.js";
import { assertKnown } from "./damaged-run.js";
import { asProblem } from "./failure.js";
import { readHistory } from "./journal/journal.js";
import { SCHEDULE } from "../policy/document.js";
import { type RunStatus, wholeStages } from "./journal/status.js";
import { allRuns, changedSince } from "./runs.js";
import { planOf } from "./session.js";

/**
 * The stage to go back to, checked; undefined when the run is rolled back already.
 * @throws OpsError (exit 3) `no-way-back`, `unfinished-run`, `damaged-run`, `stage-undone`, `stage-not-done`
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
  if (!isReversible(stage)) {
    throw new OpsError(
      "no-way-back",
      EXIT.usage,
      `${stage.id} comes last: going back to it undoes nothing`,
    );
  }
  assertWhole(status, stage.id);
  return stage.id;
}

/**
 * What a stage made is not brought back by going back to it: where it was undone already, or never done, the run cannot stand at
 * its end.
 * @throws OpsError `stage-undone`, `stage-not-done` (exit 3)
 */
export function assertWhole(status: RunStatus, to: string | null): void {
  const whole = wholeStages(status).map(({ id }) => id);
  if (to === null || whole.includes(to)) return;
  const { run, direction, stagesDone } = status;
  const last = whole.at(-1);
  const hint = [
    direction === "undo"
      ? `to go all the way back: ops shard rollback ${run}`
      : `to go on: ops run resume ${run}`,
    ...(last === undefined
      ? []
      : [`to go back to the last stage that stands: ops shard rollback ${run} --to ${last}`]),
  ].join("\n      ");
  if (direction === "undo" && stagesDone.has(to)) {
    const message = `run ${run} was rolled back further than ${to} already: that stage is undone, or a part of it`;
    throw new OpsError("stage-undone", EXIT.refused, `${message}; nothing was changed`, { hint });
  }
  const message = `run ${run} has not done ${to}: going back to it would undo nothing`;
  throw new OpsError("stage-not-done", EXIT.refused, message, { hint });
}

/** Throws `no-way-back` when old copies are gone, or a later run built on this one; `damaged-run` when one may have. */
export async function assertReversible(store: StateStore, status: RunStatus): Promise<void> {
  const { run, outcome, stages, entered, epochs } = status;
  if (
    outcome === "finalized" ||
    stages.some(({ id, reversible }) => !reversible && entered.has(id))
  )
    throw noWayBack(
      `run ${run} was ${outcome ?? "partly finalized"}: the old copies are gone`,
      epochs,
    );
  await assertNotReplaced(store, status, await planOf(store, run));
  if (outcome !== "applied") return assertNotBuiltOn(store, status);
  const { runs, damaged } = await allRuns(store);
  assertKnown(
    damaged.filter((other) => other.run > run),
    Object.keys(epochs),
  );
  const later = changedSince(runs, status);
  if (later === null) return;
  if (later.activity === "ended")
    throw noWayBack(`run ${run} was applied, and run ${later.run} changed the same since`, epochs);
  throw new OpsError(
    "unfinished-run",
    EXIT.refused,
    `run ${later.run} of the same keyspaces came after run ${run} and has not ended`,
    { hint: `roll that one back first: ops shard rollback ${later.run}` },
  );
}

/**
 * What a run made from nothing would be gone with all that was written to it since: that is seen before anything is undone.
 * @throws OpsError `in-use` (exit 3), `unreachable` (exit 9) when a node does not say whether it is unused
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
            .catch((error: unknown) => asProblem(error)),
        ] as const,
    ),
  );
  const told = new Map(answers);
  for (const { keyspace, node, segments } of made) {
    const answer = told.get(node)!;
    if (answer instanceof AgentProblem) {
      throw new OpsError(
        "unreachable",
        EXIT.unreachable,
        `${node} does not say whether what run ${status.run} made there has been written since: ${answer.message}; nothing was changed`,
        { hint: `start its agent, then ops shard rollback ${status.run}` },
      );
    }
    const entries = entriesIn(answer, keyspace, segments);
    const used = entries.find(({ untouched }) => !untouched);
    if (used === undefined) continue;
    throw new OpsError(
      "in-use",
      EXIT.refused,
      `${keyspace} [${used.lo}, ${used.hi}) on ${node} has been written or moved since run ${status.run} made it: rolled back, that would be lost; nothing was changed`,
      { hint: "plan from here on: ops shard plan with the topology that is wanted" },
    );
  }
}

function noWayBack(message: string, scopes: Readonly<Record<string, unknown>>): OpsError {
  return new OpsError("no-way-back", EXIT.refused, `${message}, there is nothing to go back to`, {
    hint: hintFor(Object.keys(scopes)),
  });
}

function hintFor(scopes: readonly string[]): string {
  if (!scopes.includes(SCHEDULE))
    return "plan the way back: ops shard plan with the earlier topology";
  return scopes.length > 1
    ? "ops region restore REGION brings users and writes back"
    : "ops schedule restore SITE ends what keeps users away";
}
