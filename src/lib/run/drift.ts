import { EXIT, OpsError } from "../errors.js";
import { difference } from "../keyspace/map.js";
import {
  type Owner,
  asOwners,
  currentOwners,
  observedKeyspace,
  sameOwner,
} from "../plan/holdings.js";
import type { Observed } from "../plan/observed.js";
import type { Plan } from "../plan/types.js";

/**
 * Whether who holds what is still what the plan was made for.
 * @throws OpsError `stale-plan` (exit 4) that says what changed; what `currentOwners` throws when nobody can say who owns a part
 */
export function assertCurrent(plan: Plan, observed: Observed): void {
  const changed = plan.keyspaces.flatMap(({ id, domain, before }) => {
    const likely = before.map(({ lo, hi, shard, primary }) => ({ lo, hi, shard, primary }));
    const now = currentOwners(
      observedKeyspace(observed, id),
      { id, domain, likely },
      observed.unreachable,
    );
    return difference(asOwners(before), now, sameOwner).map(
      ({ lo, hi, value }) =>
        `${id} [${lo}, ${hi}): ${inWords(value.before)} when the plan was made, ${inWords(value.after)} now`,
    );
  });
  if (changed.length === 0) return;
  const shown = changed
    .slice(0, 20)
    .map((line) => `\n  ${line}`)
    .join("");
  throw new OpsError(
    "stale-plan",
    EXIT.stale,
    `The plan was made for a state that is no more; nothing was changed:${shown}`,
    {
      hint: "make a new plan (ops shard plan), or look at what happened (ops run list, ops agent status)",
      details: changed,
    },
  );
}

function inWords(owner: Owner | null): string {
  if (owner === null) return "nobody's";
  const { shard, primary, replicas } = owner;
  return `shard ${shard} on ${primary}${replicas.length === 0 ? "" : ` with ${replicas.join(", ")}`}`;
}
