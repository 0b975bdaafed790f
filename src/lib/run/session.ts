import { setMaxListeners } from "node:events";
import { type Plan, shardsOf, usersOf } from "../plan/any.js";
import { decodeStoredPlan } from "../plan/encode.js";
import type { ShardPlan } from "../plan/types.js";
import { EXIT, OpsError } from "../errors.js";
import type { Lease, StateStore } from "../state/contract.js";
import { type Connect, someOf } from "./agents.js";
import type { Clock, Patience, Stop } from "./clock.js";
import type { RunContext } from "./context.js";
import type { Emit } from "./events.js";
import { Journal } from "./journal/journal.js";
import { Publisher } from "./publish.js";
import { POLICY } from "./publish-policy.js";
import { RoutesPublisher } from "./publish-routes.js";
import { heedOthers } from "./stop-requests.js";

/** Everything outside of a run that it needs. */
export interface RunEnvironment {
  readonly store: StateStore;
  readonly connect: Connect;
  readonly clock: Clock;
  readonly patience: Patience;
  readonly stop: Stop;
  readonly emit: Emit;
  readonly random: (bytes: number) => Uint8Array;
  /** `user@host` */
  readonly actor: string;
  /** As it was typed. */
  readonly command: string;
}

/** What is journalled when a run is taken in hand. */
export function takenBy({ actor, command }: RunEnvironment, { epochs }: Lease | RunContext) {
  return {
    actor,
    command,
    epochs: Object.fromEntries(
      Object.entries(epochs).map(([scope, epoch]) => [scope, String(epoch)]),
    ),
  };
}

/** Takes the locks of a run's scopes; says whose dead lock was taken over. */
export async function takeLocks(
  env: RunEnvironment,
  run: string,
  scopes: readonly string[],
): Promise<Lease> {
  const lease = await env.store.acquire(scopes, { run, actor: env.actor, now: env.clock.now() });
  for (const message of lease.notes) env.emit({ type: "note", message });
  return lease;
}

/** The plan of a run, or its half, that moves data. Throws OpsError `users-plan` (exit 64) for one that moves users only. */
export async function shardPlanOf(store: StateStore, run: string): Promise<ShardPlan> {
  const plan = shardsOf(await planOf(store, run));
  if (plan !== null) return plan;
  throw new OpsError(
    "users-plan",
    EXIT.usage,
    `run ${run} moves users: it has no copies to compare or to drop`,
    {
      hint: `ops run show ${run}`,
    },
  );
}

export async function planOf(store: StateStore, run: string): Promise<Plan> {
  return decodeStoredPlan(await store.plan(run), `the plan of ${run}`);
}

/** Opens the journal and the agents of a run whose locks are held, for as long as `work` takes. */
export async function withContext<P extends Plan, T>(
  env: RunEnvironment,
  run: string,
  plan: P,
  lease: Lease,
  work: (context: RunContext<P>) => Promise<T>,
): Promise<T> {
  const { store, clock, patience, emit } = env;
  const lineage = await store.lineage();
  const journal = await Journal.open(store, run, clock.now);
  const others = heedOthers(env, lease);
  const { stop } = others;
  // Each step of a wave listens to them.
  setMaxListeners(0, stop.stopping, stop.detached);
  try {
    const agents = await env.connect(plan.nodes);
    try {
      const base = {
        run,
        plan,
        store,
        journal,
        agents,
        lineage,
        epochs: lease.epochs,
        clock,
        patience,
        stop,
        emit,
      };
      const silent = new Set<string>();
      const of = (half: Plan | null) => ({
        ...base,
        agents: someOf(agents, Object.keys(half?.nodes ?? {})),
      });
      return await work({
        ...base,
        publisher: new RoutesPublisher(of(shardsOf(plan)), silent),
        policy: new Publisher(of(usersOf(plan)), POLICY, silent),
      });
    } finally {
      await agents.close();
    }
  } finally {
    await others.end();
    await journal.close();
  }
}

/** The same for a run that exists: takes its locks first, and lets go of them at the end. */
export async function withRun<P extends Plan, T>(
  env: RunEnvironment,
  run: string,
  plan: P,
  work: (context: RunContext<P>, lease: Lease) => Promise<T>,
): Promise<T> {
  const lease = await takeLocks(env, run, plan.scopes);
  try {
    return await withContext(env, run, plan, lease, (context) => work(context, lease));
  } finally {
    await lease.release();
  }
}
