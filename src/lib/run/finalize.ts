import { EXIT, OpsError } from "../errors.js";
import { subtract } from "../keyspace/map.js";
import { formatSegment } from "../keyspace/wire.js";
import { copiesOf } from "../plan/holdings.js";
import { assertNotBuiltOn } from "./built-on.js";
import { pushEpochs } from "./admit.js";
import { agendaFinal, isReversible } from "./agenda.js";
import { entriesOn } from "./ask.js";
import { type ShardContext, participantsOf, statusOf, stopAtBoundary } from "./context.js";
import { type Deletions, assertConfirmed, assertForsaken } from "./deletions.js";
import { executeForward, stopRun } from "./execute.js";
import { StepFailure, failure } from "./failure.js";
import { readHistory } from "./journal/journal.js";
import { type RunEnvironment, shardPlanOf, takenBy, withRun } from "./session.js";
import { whyUnreadable } from "./steps/readable.js";
import { confirmConvergence } from "./steps/soak.js";

export interface FinalizeOptions {
  /** Do not wait for the soak to be over. */
  readonly early: boolean;
  /** Not asked for when a finalization is taken up: it was confirmed when it began. */
  readonly deletions: Deletions;
}

/** What is left of a soak up to this is waited for, milliseconds. */
const WAIT_AT_MOST_MS = 600_000;

/**
 * Ends a run that soaks: sees once more that everything is where the plan wants it, then drops the old copies. Takes up a
 * finalization that was interrupted; does nothing for a run that was finalized, or ended without it.
 * @throws OpsError (exit 3) `soaking` while much of the soak is left, `not-applied` for a run that is not at that point,
 * `not-confirmed` while not everything that is deleted for good is named
 */
export async function finalizeRun(
  env: RunEnvironment,
  run: string,
  options: FinalizeOptions,
): Promise<void> {
  const left = await soakLeft(env, run);
  if (left === null) return;
  const plan = await shardPlanOf(env.store, run);
  const { status: stands } = await readHistory(env.store, run);
  if (stands !== null) await assertNotBuiltOn(env.store, stands);
  if (stands?.direction !== "finalize") assertConfirmed(run, plan, options.deletions);
  if (!options.early) await waitOut(env, run, left);
  await withRun(env, run, plan, async (context) => {
    const { journal, emit } = context;
    const status = statusOf(context);
    const type = status.direction === "finalize" ? "run.resume" : "finalize.start";
    await journal.append({ type, ...takenBy(env, context) });
    emit({ type: "run", run, doing: "finalize", plan: status.plan });
    try {
      const agenda = agendaFinal(plan, status);
      const begun = plan.stages.some(
        (stage) => !isReversible(stage) && status.entered.has(stage.id),
      );
      // What is dropped is dropped: once nothing is left, no agent is needed.
      if (!begun || agenda.length > 0)
        await pushEpochs(context, participantsOf(agenda.flatMap(({ waves }) => waves.flat(2))));
      if (!begun) await assertArrived(context);
      if (!begun && status.soakingSince !== null)
        await assertForsaken(context, status.soakingSince);
      stopAtBoundary(context);
      await executeForward(context, agenda);
    } catch (error) {
      await stopRun(context, error, [`to go on: ops run resume ${run}`]);
    }
    await journal.append({ type: "run.end", outcome: "finalized", why: null });
    emit({ type: "ended", outcome: "finalized" });
  });
}

/** Milliseconds until the run's soak is over, 0 when it is; null for a run with nothing left to finalize. Throws `not-applied`. */
export async function soakLeft(
  { store, clock }: Pick<RunEnvironment, "store" | "clock">,
  run: string,
): Promise<number | null> {
  const { status } = await readHistory(store, run);
  if (status?.outcome === "finalized" || status?.outcome === "applied") return null;
  const ready =
    status !== null &&
    (status.activity === "soaking" ||
      (status.direction === "finalize" && status.activity !== "ended"));
  if (!ready) {
    const state =
      status === null
        ? "it never began"
        : (status.outcome ?? `it is ${status.activity} (${status.direction})`);
    const hint =
      status === null || status.outcome !== null
        ? {}
        : { hint: `ops run resume ${run} first; ops run show ${run} says how it stands` };
    throw new OpsError(
      "not-applied",
      EXIT.refused,
      `run ${run} cannot be finalized: ${state}`,
      hint,
    );
  }
  return status.soakUntil === null ? 0 : Math.max(0, Date.parse(status.soakUntil) - clock.now());
}

async function waitOut(
  { clock, stop, emit }: RunEnvironment,
  run: string,
  left: number,
): Promise<void> {
  if (left === 0) return;
  const until = new Date(clock.now() + left).toISOString();
  if (left > WAIT_AT_MOST_MS) {
    throw new OpsError("soaking", EXIT.refused, `run ${run} soaks until ${until}`, {
      hint: `come back then, or do not wait: ops shard finalize ${run} --early`,
    });
  }
  emit({ type: "note", message: `waiting until ${until}, when the soak is over` });
  const ended = AbortSignal.any([stop.stopping, stop.detached]);
  await clock.sleep(left, ended);
  if (ended.aborted) {
    throw new OpsError("stopped", EXIT.failure, `run ${run} goes on soaking; nothing was changed`, {
      hint: `ops shard finalize ${run}`,
    });
  }
}

/** Nothing is dropped unless every new writer writes, and every agent and every copy has what it should have. */
async function assertArrived(context: ShardContext): Promise<void> {
  for (const { id, after } of context.plan.keyspaces) {
    for (const node of new Set(after.flatMap(copiesOf))) {
      const written = after.filter(({ primary }) => primary === node);
      const entries = await entriesOn(context, null, node, id, written);
      const [missing] = subtract(
        written,
        entries.filter(({ role }) => role === "primary"),
      );
      if (missing !== undefined)
        throw keepOld(
          "not-the-writer",
          `${node} is not the writer of ${id} ${formatSegment(missing)}`,
        );
      const segments = after.filter(({ replicas }) => replicas.includes(node));
      const why = await whyUnreadable(context, null, { node, keyspace: id, segments });
      if (why !== null) throw keepOld("not-readable", `${node} ${why}`);
    }
  }
  await confirmConvergence(context, null);
}

function keepOld(code: string, why: string): StepFailure {
  const hint = "ops agent status shows who holds what";
  return new StepFailure(failure(code, `${why}: the old copies are kept`, { hint }), EXIT.refused);
}
