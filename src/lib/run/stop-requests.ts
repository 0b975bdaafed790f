import { EXIT, OpsError } from "../errors.js";
import { durationText } from "../figures.js";
import type { Lease, LockHolder, StopRequest } from "../state/contract.js";
import type { Stop } from "./clock.js";
import type { RunEnvironment } from "./session.js";

/** Between two looks at whether somebody wants this process to stop, or whether somebody has stopped, ms. */
const LOOK_MS = 250;
/** A run gets to its next safe boundary in this, ms: takeovers are short, and what only waits is left at once. */
const PATIENCE_MS = 120_000;

/** What the person at the terminal wants, and what others want who need the locks. `end` ends the watching. */
export function heedOthers(
  { stop, clock, emit }: Pick<RunEnvironment, "stop" | "clock" | "emit">,
  lease: Lease,
): { readonly stop: Stop; end(): Promise<void> } {
  const asked = new AbortController();
  const over = new AbortController();
  const watch = async () => {
    while (!over.signal.aborted) {
      const request = await lease.stopRequest();
      if (request !== null) {
        const message = `${request.actor} asks to stop (${request.command}): stopping at the next safe boundary`;
        emit({ type: "note", message });
        return asked.abort(new AskedToStop(request));
      }
      await clock.sleep(LOOK_MS, over.signal);
    }
  };
  // A run that cannot see who wants it to stop still does what it was asked for.
  const watching = watch().catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    emit({ type: "note", message: `requests to stop this run are not seen any more: ${why}` });
  });
  return {
    stop: { ...stop, stopping: AbortSignal.any([stop.stopping, asked.signal]) },
    end: async () => {
      over.abort();
      await watching;
    },
  };
}

/** Who asked for it, of a run that is to stop; null when the person at its terminal did. */
export function whoAsked({ stopping }: Pick<Stop, "stopping">): StopRequest | null {
  const why: unknown = stopping.reason;
  return why instanceof AskedToStop ? why.by : null;
}

/** Why `stopping` is aborted, when somebody else wants that. */
class AskedToStop extends Error {
  readonly by: StopRequest;

  constructor({ actor, command }: StopRequest) {
    super(`${actor} asks to stop`);
    this.name = "AskedToStop";
    this.by = { actor, command };
  }
}

/** Who holds a lock of these scopes now. */
export async function lockHoldersOf(
  { store }: Pick<RunEnvironment, "store">,
  scopes: readonly string[],
): Promise<readonly LockHolder[]> {
  const holders = await store.holders();
  return holders.filter(({ scope, alive }) => scopes.includes(scope) && alive !== "no");
}

/**
 * Asks the runs that hold these locks to stop at their next safe boundary, and waits until they have. They can be taken up again.
 * @throws OpsError `locked` (exit 5) when one has not stopped in time, `stopped` (exit 1) when the person would not wait
 */
export async function stopOthers(
  env: RunEnvironment,
  holders: readonly LockHolder[],
): Promise<void> {
  const { store, clock, emit, actor, command, stop } = env;
  for (const { scope, epoch } of holders) await store.askToStop(scope, epoch, { actor, command });
  for (const run of new Set(holders.map((one) => one.run)))
    emit({ type: "note", message: `asked run ${run} to stop at its next safe boundary` });
  const until = clock.now() + PATIENCE_MS;
  for (;;) {
    const left = (await store.holders()).filter((now) =>
      holders.some(({ scope, epoch }) => scope === now.scope && epoch === now.epoch),
    );
    const alive = left.filter((one) => one.alive !== "no");
    if (alive.length === 0) return;
    const [{ run, pid, host, scope }] = alive as [LockHolder];
    if (stop.stopping.aborted)
      throw new OpsError(
        "stopped",
        EXIT.failure,
        `run ${run} was asked to stop; nothing was changed`,
      );
    if (clock.now() >= until) {
      const message = `run ${run} (process ${pid} on ${host}) was asked to stop, and has not in ${durationText(PATIENCE_MS)}`;
      throw new OpsError("locked", EXIT.locked, message, {
        hint: `it goes on with what it has begun: ops run show ${run}; if it is gone for certain: ops run unlock ${scope}`,
      });
    }
    await clock.sleep(LOOK_MS, stop.stopping);
  }
}
