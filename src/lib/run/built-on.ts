import { EXIT, OpsError } from "../errors.js";
import { difference } from "../keyspace/map.js";
import { shardsOf, usersOf, type Plan } from "../plan/any.js";
import { asOwners, sameOwner } from "../plan/holdings.js";
import type { PlanKeyspace } from "../plan/types.js";
import type { UserPlan } from "../plan/users/types.js";
import { SCHEDULE } from "../policy/document.js";
import type { StateStore } from "../state/contract.js";
import type { RunStatus } from "./journal/status.js";
import { allRuns, isLater } from "./runs.js";
import { planOf } from "./session.js";

/**
 * Before a run that has stopped, or soaks, is taken up: an evacuation may have begun where it stood. What the run made may be what
 * others write to by now, unless who holds what is as it was again.
 * @throws OpsError `unfinished-run` (exit 3) that names the run to take back first
 */
export async function assertNotBuiltOn(store: StateStore, status: RunStatus): Promise<void> {
  const isOfData = (scope: string) => scope !== SCHEDULE && Object.hasOwn(status.epochs, scope);
  const later = await standingAfter(store, status, isOfData);
  const plans = later.map(({ plan }) => shardsOf(plan)?.keyspaces ?? []);
  const last = later.at(-1);
  if (last === undefined || isAsBefore(plans)) return;
  throw new OpsError(
    "unfinished-run",
    EXIT.refused,
    `run ${last.run} came after run ${status.run} and moved writes of the same keyspaces`,
    {
      hint: `roll that one back first: ops run rollback ${last.run}; or bring the region back: ops region restore`,
    },
  );
}

/**
 * Before the entries of a run are taken back: a later one that stands in their place would bring them back when it is taken back itself.
 * @throws OpsError `unfinished-run` (exit 3) that names it
 */
export async function assertNotReplaced(
  store: StateStore,
  status: RunStatus,
  plan: Plan,
): Promise<void> {
  const own = entryIds(usersOf(plan), "after");
  if (own.length === 0) return;
  const later = await standingAfter(store, status, (scope) => scope === SCHEDULE);
  const over = later.findLast((one) =>
    entryIds(usersOf(one.plan), "before").some((id) => own.includes(id)),
  );
  if (over === undefined) return;
  throw new OpsError(
    "unfinished-run",
    EXIT.refused,
    `run ${over.run} came after run ${status.run} and took the place of its entries`,
    { hint: `roll that one back first: ops run rollback ${over.run}` },
  );
}

interface Standing {
  readonly run: string;
  readonly plan: Plan;
}

/** The runs after this one that were not taken back and have one of these scopes, oldest first. */
async function standingAfter(
  store: StateStore,
  status: RunStatus,
  isMeant: (scope: string) => boolean,
): Promise<Standing[]> {
  const { runs } = await allRuns(store);
  const later = runs.filter(
    (one) => isLater(one, status) && Object.keys(one.epochs).some((scope) => isMeant(scope)),
  );
  return Promise.all(later.map(async ({ run }) => ({ run, plan: await planOf(store, run) })));
}

/** Whether the last of these plans leaves each keyspace as the first of them found it. */
function isAsBefore(plans: readonly (readonly PlanKeyspace[])[]): boolean {
  const all = plans.flat();
  return [...new Set(all.map(({ id }) => id))].every((id) => {
    const own = all.filter((one) => one.id === id);
    const [before, after] = [own[0]!.before, own.at(-1)!.after].map(asOwners);
    return difference(before!, after!, sameOwner).length === 0;
  });
}

function entryIds(plan: UserPlan | null, side: "before" | "after"): string[] {
  const steps = plan?.stages.flatMap(({ waves }) => waves.flat()) ?? [];
  return steps.flatMap((step) =>
    step.kind === "policy" ? step[side].entries.map(({ id }) => id) : [],
  );
}
