import { EXIT, OpsError } from "../errors.js";
import { compareText } from "../plan/order.js";
import type { StateStore } from "../state/contract.js";
import { type DamagedRun, neverBegan, unreadable } from "./damaged-run.js";
import { readHistory } from "./journal/journal.js";
import type { RunStatus } from "./journal/status.js";
import { type RunSummary, summarize } from "./summary.js";

/** All runs, oldest first; those that do not say how they stand are in nobody's way but their own. */
export interface AllRuns {
  readonly runs: readonly RunStatus[];
  readonly damaged: readonly DamagedRun[];
}

export async function allRuns(store: StateStore): Promise<AllRuns> {
  const runs: RunStatus[] = [];
  const damaged: DamagedRun[] = [];
  for (const run of await store.runs()) {
    try {
      const { status } = await readHistory(store, run);
      if (status === null) damaged.push(neverBegan(store, run));
      else runs.push(status);
    } catch (error) {
      damaged.push(await unreadable(store, run, error));
    }
  }
  // Ids count in seconds.
  return { runs: runs.toSorted((a, b) => compareText(a.startedAt, b.startedAt)), damaged };
}

/** Which of the runs was the last to change a keyspace of this one after it; null for none. Epochs tell, not clocks. */
export function changedSince(runs: readonly RunStatus[], status: RunStatus): RunStatus | null {
  return runs.findLast((one) => isLater(one, status)) ?? null;
}

/** Whether a run that stands has taken a lock of another one after it. */
export function isLater(
  { run, outcome, epochs }: RunStatus,
  status: Pick<RunStatus, "run" | "epochs">,
): boolean {
  const stands = outcome !== "refused" && outcome !== "rolled-back";
  const after = ([scope, epoch]: [string, string]) =>
    BigInt(epoch) > BigInt(status.epochs[scope] ?? epoch);
  return run !== status.run && stands && Object.entries(epochs).some(after);
}

export interface RunList {
  readonly runs: readonly RunSummary[];
  readonly damaged: readonly DamagedRun[];
}

/** All runs, newest last. One that a process is just making is not damaged. */
export async function listRuns(store: StateStore): Promise<RunList> {
  const { runs, damaged } = await allRuns(store);
  const held = (await store.holders()).filter(({ alive }) => alive !== "no").map(({ run }) => run);
  return {
    runs: runs.map(summarize),
    damaged: damaged.filter(({ run }) => !held.includes(run)),
  };
}

/** How one run stands. Throws `no-such-run` (exit 64), `never-began` (exit 3). */
export async function showRun(store: StateStore, run: string): Promise<RunSummary> {
  const { status } = await readHistory(store, run);
  if (status !== null) return summarize(status);
  throw new OpsError("never-began", EXIT.refused, `run ${run} never began`, {
    hint: "apply its plan again",
  });
}
