import { EXIT, OpsError } from "../errors.js";
import { plural } from "../figures.js";
import { type Discard, discardText, discardsOf, flagOf } from "../plan/discards.js";
import type { ShardPlan } from "../plan/types.js";
import { ask } from "./ask.js";
import type { ShardContext } from "./context.js";
import { StepFailure, failure } from "./failure.js";

/** What a person said by name may be deleted for good. */
export interface Deletions {
  /** Whole keyspaces. */
  readonly keyspaces: readonly string[];
  /** Keyspaces of which what lies outside of the new domain goes. */
  readonly outside: readonly string[];
}

export const NOTHING: Deletions = { keyspaces: [], outside: [] };

/** Agents remember more, but who came an hour ago may be gone. */
const USED_SECONDS = 60;
/** For clients to hear that the routes are withdrawn. */
const GRACE_SECONDS = 5;

/**
 * What a finalize of the plan deletes for good and was not named yet.
 * @throws OpsError `not-deleted` (exit 64) for a name under which it deletes nothing
 */
export function unconfirmed(plan: ShardPlan, { keyspaces, outside }: Deletions): Discard[] {
  const discards = discardsOf(plan);
  const named = (whole: boolean) => (whole ? keyspaces : outside);
  const known = (whole: boolean) =>
    discards.filter((discard) => discard.whole === whole).map(({ keyspace }) => keyspace);
  for (const whole of [true, false]) {
    const stranger = named(whole).find((name) => !known(whole).includes(name));
    if (stranger === undefined) continue;
    const what = whole ? `keyspace ${stranger}` : `nothing of ${stranger} outside of a domain`;
    throw new OpsError("not-deleted", EXIT.usage, `the run does not delete ${what}`, {
      hint:
        discards.length === 0
          ? "it deletes nothing but old copies"
          : `it deletes ${discards.map(discardText).join("; ")}`,
    });
  }
  return discards.filter(({ keyspace, whole }) => !named(whole).includes(keyspace));
}

/** Throws OpsError `not-confirmed` (exit 3) unless everything that would be deleted for good was named. */
export function assertConfirmed(run: string, plan: ShardPlan, deletions: Deletions): void {
  const left = unconfirmed(plan, deletions);
  if (left.length === 0) return;
  const flags = left.map(flagOf).join(" ");
  throw new OpsError(
    "not-confirmed",
    EXIT.refused,
    `run ${run} would have ${left.map(discardText).join("; ")}, which has to be confirmed by name; nothing was changed`,
    {
      hint: `ops shard finalize ${run} ${flags}, or to keep it: ops shard rollback ${run}`,
      details: left,
    },
  );
}

/**
 * Whoever still uses a keyspace that is about to be deleted is found out before.
 * @throws StepFailure `in-use` (exit 3)
 */
export async function assertForsaken(context: ShardContext, soakingSince: string): Promise<void> {
  const soaked = (context.clock.now() - Date.parse(soakingSince)) / 1000 - GRACE_SECONDS;
  const seconds = Math.floor(Math.min(USED_SECONDS, soaked));
  if (seconds < 1) return;
  for (const { keyspace, whole, nodes } of discardsOf(context.plan)) {
    if (!whole) continue;
    const counts = await Promise.all(
      nodes.map(async (node) => {
        const asked = `tell its statistics of ${keyspace}`;
        const { reads, writes } = await ask(context, null, node, asked, (agent) =>
          agent.stats(keyspace, seconds),
        );
        return { node, accesses: reads.count + writes.count };
      }),
    );
    const used = counts.find(({ accesses }) => accesses > 0);
    if (used === undefined) continue;
    const message = `${keyspace} is still used: ${used.node} had ${plural(used.accesses, "access", "accesses")} in the last ${seconds} s; nothing was deleted`;
    const hint = `stop whoever uses it, wait ${USED_SECONDS} s, and go on; or keep it: ops shard rollback ${context.run}`;
    throw new StepFailure(failure("in-use", message, { hint }), EXIT.refused);
  }
}
