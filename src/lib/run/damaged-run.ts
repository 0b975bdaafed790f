import { EXIT, OpsError } from "../errors.js";
import type { StateStore } from "../state/contract.js";
import { planOf } from "./session.js";

/** A run that does not say how it stands. */
export interface DamagedRun {
  readonly run: string;
  readonly why: string;
  readonly todo: string;
  /** Of what it may be in the middle; null when that is not known. None for a run that never began. */
  readonly scopes: readonly string[] | null;
}

/** Nothing is asked of an agent before it is journalled. */
export function neverBegan(store: StateStore, run: string): DamagedRun {
  return {
    run,
    why: "it never began: its journal is empty, no agent was asked for anything",
    todo: `remove ${store.placeOf(run)}`,
    scopes: [],
  };
}

/** `error`: why its journal cannot be read; a bug is thrown on. */
export async function unreadable(
  store: StateStore,
  run: string,
  error: unknown,
): Promise<DamagedRun> {
  const place = store.placeOf(run);
  return {
    run,
    why: `its journal cannot be read: ${reasonOf(error)}`,
    todo: `restore ${place} from a copy; or, once ops agent status shows that nothing of it is left to do, move it elsewhere`,
    scopes: await scopesOf(store, run),
  };
}

async function scopesOf(store: StateStore, run: string): Promise<readonly string[] | null> {
  try {
    return (await planOf(store, run)).scopes;
  } catch (error) {
    reasonOf(error);
    return null;
  }
}

/**
 * A run that may be half done must not be built upon. Other scopes than its own are none of its business.
 * @throws OpsError `damaged-run` (exit 3)
 */
export function assertKnown(damaged: readonly DamagedRun[], scopes: readonly string[]): void {
  const found = damaged.find(
    ({ scopes: of }) => of === null || of.some((scope) => scopes.includes(scope)),
  );
  if (found === undefined) return;
  const { run, why, todo, scopes: of } = found;
  const whose = of === null ? "of keyspaces that are not known" : "of the same keyspaces";
  throw new OpsError(
    "damaged-run",
    EXIT.refused,
    `run ${run} ${whose} may not have ended: ${why}`,
    { hint: todo, details: { run } },
  );
}

/** Throws a bug on. */
function reasonOf(error: unknown): string {
  if (error instanceof OpsError || (error instanceof Error && "code" in error))
    return error.message;
  throw error;
}
