import { EXIT, OpsError } from "../errors.js";
import type { StateStore } from "../state/contract.js";
import { readHistory } from "./journal/journal.js";
import type { RunStatus } from "./journal/status.js";
import { type RunSummary, summarize } from "./summary.js";

/** How all runs stand that began, oldest first. */
export async function allRuns(store: StateStore): Promise<RunStatus[]> {
  const runs: RunStatus[] = [];
  for (const run of await store.runs()) {
    const { status } = await readHistory(store, run);
    if (status !== null) runs.push(status);
  }
  return runs;
}

/** Which of the runs was the last to change a keyspace of this one after it; null for none. Epochs tell, not clocks. */
export function changedSince(runs: readonly RunStatus[], status: RunStatus): RunStatus | null {
  const isLater = ({ run, outcome, epochs }: RunStatus) =>
    run !== status.run &&
    outcome !== "refused" &&
    outcome !== "rolled-back" &&
    Object.entries(epochs).some(
      ([scope, epoch]) => BigInt(epoch) > BigInt(status.epochs[scope] ?? epoch),
    );
  return runs.findLast(isLater) ?? null;
}

/** All runs that began, newest last. */
export async function listRuns(store: StateStore): Promise<RunSummary[]> {
  return (await allRuns(store)).map(summarize);
}

/** How one run stands. Throws `no-such-run` (exit 64), `never-began` (exit 3). */
export async function showRun(store: StateStore, run: string): Promise<RunSummary> {
  const { status } = await readHistory(store, run);
  if (status !== null) return summarize(status);
  throw new OpsError("never-began", EXIT.refused, `run ${run} never began`, {
    hint: "apply its plan again",
  });
}
