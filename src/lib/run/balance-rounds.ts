import { EXIT, type Exit, OpsError } from "../errors.js";
import { applyPlan } from "./apply.js";
import { type BalanceRequest, type PlannedBalance, planBalance } from "./balance-users.js";
import { allRuns } from "./runs.js";
import type { RunEnvironment } from "./session.js";
import type { StateStore } from "../state/contract.js";

/** What became of one round. */
export interface RoundDone extends Omit<PlannedBalance, "plan"> {
  readonly round: number;
  /** Null where nothing was to be changed, or nothing could be. */
  readonly run: string | null;
  /** Why there was no round this time: the next one is another try. */
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export interface RoundsDone {
  readonly rounds: number;
  /** Rounds that changed something. */
  readonly changes: number;
  /** Users, of all rounds together. */
  readonly moved: number;
  /** In the last round. */
  readonly silent: RoundDone["silent"];
}

/** The state may be another one the next time. What stopped part-way is for a person to look at. */
const NOT_NOW: readonly Exit[] = [EXIT.refused, EXIT.stale, EXIT.locked];
/** Nothing was begun yet: whoever does not answer now may do so later. */
const NOT_PLANNED: readonly Exit[] = [...NOT_NOW, EXIT.unreachable];

/**
 * Round after round until it is told to stop, one every `everyMs` or as soon as the last one is over. Nothing is locked in between.
 * @throws OpsError when a round stops part-way
 */
export async function balanceRounds(
  env: RunEnvironment,
  request: BalanceRequest,
  everyMs: number,
  tell: (done: RoundDone) => void,
): Promise<RoundsDone> {
  const { stopping } = env.stop;
  const totals = { rounds: 0, changes: 0, moved: 0, silent: [] as RoundsDone["silent"] };
  let due = env.clock.now();
  while (!stopping.aborted) {
    const done = await oneRound(env, request, totals.rounds + 1);
    if (done === null) break;
    totals.rounds += 1;
    totals.silent = done.silent;
    if (done.run !== null) {
      totals.changes += 1;
      totals.moved += done.figures?.moved ?? 0;
    }
    tell(done);
    due = Math.max(due + everyMs, env.clock.now());
    await env.clock.sleep(due - env.clock.now(), stopping);
  }
  return totals;
}

/** Null where it was told to stop before anything was begun. */
async function oneRound(
  env: RunEnvironment,
  request: BalanceRequest,
  round: number,
): Promise<RoundDone | null> {
  const planned = await unless(NOT_PLANNED, () => planBalance(env, request, true));
  if (planned instanceof OpsError)
    return { round, run: null, figures: null, silent: [], problem: problemOf(planned) };
  const { plan, ...about } = planned;
  if (plan === null) return { round, run: null, problem: null, ...about };
  if (env.stop.stopping.aborted) return null;
  const run = await unless(NOT_NOW, () => applyPlan(env, plan, { until: null }));
  if (run instanceof OpsError) {
    // It would be in the way of every later round.
    if (await isUnfinished(env.store, plan.hash)) throw run;
    return { round, run: null, problem: problemOf(run), ...about };
  }
  return { round, run, problem: null, ...about };
}

async function isUnfinished(store: StateStore, plan: string): Promise<boolean> {
  const { runs } = await allRuns(store);
  return runs.some((one) => one.plan === plan && one.activity !== "ended");
}

async function unless<T>(exits: readonly Exit[], work: () => Promise<T>): Promise<T | OpsError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OpsError && exits.includes(error.exit)) return error;
    throw error;
  }
}

function problemOf({ code, message }: OpsError): { code: string; message: string } {
  return { code, message };
}
