import { EXIT, OpsError } from "../errors.js";
import { applyPlan } from "./apply.js";
import { NOTHING } from "./deletions.js";
import { finalizeRun } from "./finalize.js";
import { readHistory } from "./journal/journal.js";
import { rollbackRun } from "./rollback.js";
import { type RunEnvironment, planOf } from "./session.js";
import { goneFor } from "./without.js";

/**
 * Takes up an interrupted run in the direction in which it was going. Does nothing for one that soaks or has ended. `without`: access
 * agents that are gone for good, whose steps are left out.
 */
export async function resumeRun(
  env: RunEnvironment,
  run: string,
  without: readonly string[],
): Promise<void> {
  const { status } = await readHistory(env.store, run);
  if (status === null) {
    throw new OpsError("never-began", EXIT.refused, `run ${run} never began`, {
      hint: "apply its plan again",
    });
  }
  if (status.activity === "ended" || status.activity === "soaking") return;
  const plan = await planOf(env.store, run);
  const gone = await goneFor(env, plan, status, without);
  if (status.direction === "undo") return rollbackRun(env, run, { to: status.undoTo });
  if (status.direction === "finalize")
    return finalizeRun(env, run, { early: true, deletions: NOTHING });
  await applyPlan(env, plan, { until: null, without: gone });
}
