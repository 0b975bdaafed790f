import { EXIT, OpsError } from "../errors.js";
import type { StateStore } from "../state/contract.js";
import { readHistory } from "./journal/journal.js";
import { type RunSummary, summarize } from "./summary.js";

/** All runs that began, newest last. */
export async function listRuns(store: StateStore): Promise<RunSummary[]> {
  const summaries: RunSummary[] = [];
  for (const run of await store.runs()) {
    const { status } = await readHistory(store, run);
    if (status !== null) summaries.push(summarize(status));
  }
  return summaries;
}

/** How one run stands. Throws `no-such-run` (exit 64), `never-began` (exit 3). */
export async function showRun(store: StateStore, run: string): Promise<RunSummary> {
  const { status } = await readHistory(store, run);
  if (status !== null) return summarize(status);
  throw new OpsError("never-began", EXIT.refused, `run ${run} never began`, {
    hint: "apply its plan again",
  });
}
