import { type Plan, type Stage, stepsOf } from "../plan/any.js";
import { encodePlan } from "../plan/encode.js";
import { admitNew, pushEpochs } from "./admit.js";
import { assertNotBuiltOn } from "./built-on.js";
import { agendaForward, isReversible, stagesUpTo } from "./agenda.js";
import { policyWithout } from "../policy/offered.js";
import type { RouteTable } from "../routing/table.js";
import { type RunContext, asShards, neededFor, statusOf } from "./context.js";
import { tellingRemaining } from "./eta/tracker.js";
import { executeForward, stopRun } from "./execute.js";
import { findRun, type Found } from "./find-run.js";
import { newRunId } from "./id.js";
import type { Gone } from "./journal/records.js";
import { isUntouched } from "./journal/status.js";
import { type RunEnvironment, takeLocks, takenBy, withContext } from "./session.js";
import { withoutCommand } from "./without.js";
import { tableOr } from "./steps/first-table.js";

export interface ApplyOptions {
  /** The id of the last stage to do; null for all up to the soak. */
  readonly until: string | null;
  /** Access agents that the run goes on without, once it is taken up again. */
  readonly without?: readonly Gone[];
}

/**
 * Applies a plan: begins a run, or takes up the one that was interrupted. Ends when the run soaks or is over, or `until` is
 * done. Returns the run's id; does nothing for a plan that is applied already.
 * @throws OpsError when it stops before that; what was done stays, journalled
 */
export async function applyPlan(
  env: RunEnvironment,
  plan: Plan,
  options: ApplyOptions,
): Promise<string> {
  for (;;) {
    const found = await findRun(env.store, plan);
    if (found.what === "applied") return found.status.run;
    const run =
      found.what === "resume" ? found.status.run : newRunId(env.clock.now(), env.random(2));
    const lease = await takeLocks(env, run, plan.scopes);
    try {
      // Somebody else may have been quicker.
      if (!sameAnswer(found, await findRun(env.store, plan))) continue;
      if (found.what === "resume") await assertNotBuiltOn(env.store, found.status);
      if (found.what === "new") await env.store.createRun(run, encodePlan(plan));
      await withContext(env, run, plan, lease, async (context) => {
        if (found.what === "new") {
          const stages = plan.stages.map((stage) => ({
            id: stage.id,
            reversible: isReversible(stage),
            waves: stage.waves.map((wave) => wave.map(({ id }) => id)),
          }));
          const { lineage } = context;
          await context.journal.append({
            type: "run.start",
            run,
            plan: plan.hash,
            lineage,
            stages,
            ...takenBy(env, context),
          });
        } else {
          const { without = [] } = options;
          await context.journal.append({
            type: "run.resume",
            ...takenBy(env, context),
            ...(without.length === 0 ? {} : { without }),
          });
        }
        const doing = found.what === "new" ? "apply" : "resume";
        env.emit({ type: "run", run, doing, plan: plan.hash });
        await goForward(context, options);
      });
      return run;
    } finally {
      await lease.release();
    }
  }
}

async function goForward(context: RunContext, { until }: ApplyOptions): Promise<void> {
  const { plan, journal, emit, run } = context;
  const commands = [
    `to go on: ops run resume ${run}`,
    `to go back: ops ${plan.kind === "shards" ? "shard" : "run"} rollback ${run}`,
  ];
  const left = () => agendaForward(plan, statusOf(context), null).length;
  const soakMs = soakMsOf(plan);
  const stages: readonly Stage[] = plan.stages;
  const ends = soakMs === 0 && stages.every(isReversible);
  try {
    const agenda = agendaForward(plan, statusOf(context), until);
    // Until it has touched something, a run that is taken up is as good as a new one: the plan may be stale by now.
    let admitted = !isUntouched(statusOf(context)) || agenda.length === 0;
    if (admitted) {
      await pushEpochs(
        context,
        neededFor(
          context,
          agenda.flatMap(({ waves }) => waves.flat(2)),
        ),
      );
      // With the new epoch they take nothing of the others, which have it from an older one.
      await tellPolicyAgain(context);
    }
    const { steps } = statusOf(context);
    const done = (step: string) => steps.get(step)?.state === "done";
    const telling =
      plan.kind === "shards"
        ? tellingRemaining(context, plan, stagesUpTo(plan.stages, until), done)
        : context;
    await executeForward(telling, agenda, async () => {
      if (!admitted) await admitNew(context);
      admitted = true;
    });
    if (ends && left() === 0) await tellMissing(context);
  } catch (error) {
    return stopRun(context, error, [...commands, ...withoutCommand(context, error)]);
  }
  if (left() > 0) {
    await journal.append({ type: "run.stopped", reason: "until", step: null, error: null });
    emit({ type: "stopped", reason: "until", step: null, error: null });
  } else if (ends) {
    await journal.append({ type: "run.end", outcome: "applied", why: null });
    emit({ type: "ended", outcome: "applied" });
  } else {
    const soakUntil = new Date(context.clock.now() + soakMs).toISOString();
    await journal.append({ type: "run.soaking", until: soakUntil });
    emit({ type: "soaking", until: soakUntil });
  }
}

function soakMsOf(plan: Plan): number {
  const soaks = stepsOf(plan).map((step) => (step.kind === "soak" ? step.seconds : 0));
  return Math.max(0, ...soaks) * 1000;
}

/** Agents that did not answer when the routes or the policy were published, once more: no later step of this run tells them. */
export async function tellMissing(context: RunContext): Promise<void> {
  const { routes } = statusOf(context);
  const shards = asShards(context);
  for (const [keyspace, { missing }] of routes) {
    if (shards === null || missing.length === 0) continue;
    const again = (table: RouteTable | null) => tableOr(shards, keyspace, table);
    await context.publisher.publish(null, keyspace, again, []);
  }
  await tellPolicyAgain(context);
}

/** To agents that did not answer when the policy was published; and no login is sent to gateways without which the run goes on. */
async function tellPolicyAgain(context: RunContext): Promise<void> {
  const { policy, without } = statusOf(context);
  if (policy === null || (policy.missing.length === 0 && without.size === 0)) return;
  await context.policy.publish(
    null,
    (known) => policyWithout(known!, (node) => without.has(node)),
    [],
  );
}

function sameAnswer(a: Found, b: Found): boolean {
  const key = (found: Found) =>
    found.what === "new" ? "" : `${found.status.run} ${found.status.seq}`;
  return a.what === b.what && key(a) === key(b);
}
