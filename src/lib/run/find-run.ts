import { EXIT, OpsError } from "../errors.js";
import type { Plan } from "../plan/types.js";
import type { StateStore } from "../state/contract.js";
import { readHistory } from "./journal/journal.js";
import type { RunStatus } from "./journal/status.js";
import { isReversible } from "./agenda.js";
import { planOf } from "./session.js";

/** What applying a plan means now. */
export type Found =
  | { readonly what: "resume" | "applied"; readonly status: RunStatus }
  /** A new run; those that only soak, with nothing to retire, make way for it. */
  | { readonly what: "new"; readonly superseded: readonly RunStatus[] };

/**
 * Looks for a run of the same plan that has not ended.
 * @throws OpsError `unfinished-run` (exit 3) when another run of the same keyspaces is in the way
 */
export async function findRun(store: StateStore, plan: Plan): Promise<Found> {
  const superseded: RunStatus[] = [];
  for (const run of await store.runs()) {
    const { status } = await readHistory(store, run);
    if (status === null || status.activity === "ended") continue;
    if (status.plan === plan.hash) {
      if (status.direction === "apply")
        return { what: status.activity === "soaking" ? "applied" : "resume", status };
      throw inTheWay(
        status,
        `the plan's run ${run} is being ${status.direction === "undo" ? "rolled back" : "finalized"}`,
      );
    }
    if (!Object.keys(status.epochs).some((scope) => plan.scopes.includes(scope))) continue;
    const retires = (await planOf(store, run)).stages.some((stage) => !isReversible(stage));
    if (status.activity === "soaking" && !retires) superseded.push(status);
    else
      throw inTheWay(
        status,
        `run ${run} of the same keyspaces has not ended (${status.direction}, ${status.activity})`,
      );
  }
  return { what: "new", superseded };
}

function inTheWay(status: RunStatus, message: string): OpsError {
  const { run, activity, direction } = status;
  const finish = activity === "soaking" ? `ops shard finalize ${run}` : `ops run resume ${run}`;
  const back = direction === "finalize" ? "" : `, or ops shard rollback ${run}`;
  return new OpsError("unfinished-run", EXIT.refused, message, {
    hint: `${finish}${back}`,
    details: { run, activity, direction },
  });
}
