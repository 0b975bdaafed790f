import { EXIT, OpsError } from "../errors.js";
import { type Plan, usersOf } from "../plan/any.js";
import { MODES } from "../policy/document.js";
import type { StateStore } from "../state/contract.js";
import { assertKnown } from "./damaged-run.js";
import type { RunStatus } from "./journal/status.js";
import { allRuns, changedSince } from "./runs.js";
import { planOf } from "./session.js";
import { type RunSummary, nextCommands, summarize } from "./summary.js";

/** What applying a plan means now. */
export type Found =
  | { readonly what: "resume" | "applied"; readonly status: RunStatus }
  | { readonly what: "new" };

/**
 * Looks for a run of the same plan that has not ended, or that was applied and nothing has changed since.
 * @throws OpsError `unfinished-run` (exit 3) when another run of the same keyspaces is in the way, `damaged-run` (exit 3) when
 * one may be
 */
export async function findRun(store: StateStore, plan: Plan): Promise<Found> {
  const { runs, damaged } = await allRuns(store);
  const open = unfinished(runs, plan.scopes);
  const own = open.find(({ plan: of, direction }) => of === plan.hash && direction === "apply");
  if (own !== undefined)
    return { what: own.activity === "soaking" ? "applied" : "resume", status: own };
  for (const status of open) if (await blocks(store, status, plan)) throw inTheWay(status, plan);
  assertKnown(damaged, plan.scopes);
  const done = runs.findLast(({ plan: of, outcome }) => of === plan.hash && outcome === "applied");
  return done !== undefined && changedSince(runs, done) === null
    ? { what: "applied", status: done }
    : { what: "new" };
}

/** The runs that applying a plan of these scopes would find in its way; null where nothing is kept that could tell. */
export async function unfinishedRuns(
  store: StateStore,
  scopes: readonly string[],
): Promise<RunSummary[] | null> {
  if (!(await store.exists())) return null;
  return unfinished((await allRuns(store)).runs, scopes).map(summarize);
}

/** The runs of these scopes that have not ended. */
function unfinished(runs: readonly RunStatus[], scopes: readonly string[]): RunStatus[] {
  return runs.filter(
    ({ activity, epochs }) =>
      activity !== "ended" && scopes.some((scope) => Object.hasOwn(epochs, scope)),
  );
}

/** What keeps users away changes nothing that a run before it needs to go on, or back: the rules for sites see to the rest. */
const KEEPS_AWAY: ReadonlySet<string> = new Set([...MODES, "drain", "evacuate"]);

/**
 * Whether an unfinished run has to end before the plan may be applied. A region is left, and come back to, from wherever a change of its
 * data has stopped; but it is not come back to below one of the same users.
 */
async function blocks(
  store: StateStore,
  { run, plan: of }: RunStatus,
  plan: Plan,
): Promise<boolean> {
  if (of === plan.hash || plan.kind === "shards") return true;
  if (KEEPS_AWAY.has(plan.change.what)) return false;
  if (plan.kind === "users") return true;
  const others = usersOf(await planOf(store, run))?.change.sites ?? [];
  return plan.users?.change.sites.some((site) => others.includes(site)) ?? false;
}

function inTheWay(status: RunStatus, plan: Plan): OpsError {
  const { run, activity, direction } = status;
  const message =
    status.plan === plan.hash
      ? `the plan's run ${run} is being ${direction === "undo" ? "rolled back" : "finalized"}`
      : `run ${run} of the same keyspaces has not ended (${direction}, ${activity})`;
  return new OpsError("unfinished-run", EXIT.refused, message, {
    hint: nextCommands(status).join(", or "),
    details: { run, activity, direction },
  });
}
