import type { Authority } from "../agent/protocol/headers.js";
import { type Plan, type Step, isUserStep, shardsOf, usersOf } from "../plan/any.js";
import type { ShardPlan } from "../plan/types.js";
import type { UserPlan } from "../plan/users/types.js";
import type { PolicyDocument } from "../policy/document.js";
import type { StateStore } from "../state/contract.js";
import { type Agents, someOf } from "./agents.js";
import { type Clock, type Patience, type Stop, unlessAborted } from "./clock.js";
import type { Emit } from "./events.js";
import { Interrupted } from "./failure.js";
import type { Journal } from "./journal/journal.js";
import { type RunStatus, placeOf } from "./journal/status.js";
import type { RouteTable } from "../routing/table.js";

/** Makes the next document of the current one, null where there is none. */
export type Change<D> = (document: D | null) => D | Promise<D>;
export type RouteChange = Change<RouteTable>;

/** Where the versions of a document come from and go to. */
export interface Publishing<D> {
  /** The newest document that the store or any agent that answers has. */
  current(): Promise<D | null>;
  /**
   * Publishes the document that `change` makes of the current one, to every agent of the plan, and waits for their
   * acknowledgements. The same document again keeps its version, so this may be repeated at will. An agent that is not in
   * `needed` and does not answer in time is named in the result.
   * @throws StepFailure when a needed agent does not acknowledge it
   */
  publish(
    step: string | null,
    change: Change<D>,
    needed: readonly string[],
  ): Promise<readonly string[]>;
}

/** The same of the route table of each keyspace. Redirects keep the clients right of an agent that has not been told yet. */
export interface PublishingRoutes {
  current(keyspace: string): Promise<RouteTable | null>;
  publish(
    step: string | null,
    keyspace: string,
    change: RouteChange,
    needed: readonly string[],
  ): Promise<readonly string[]>;
}

/** What the execution of a run has at hand. Exists only while the run's locks are held. */
export interface RunContext<P extends Plan = Plan> {
  readonly run: string;
  readonly plan: P;
  readonly store: StateStore;
  readonly journal: Journal;
  readonly agents: Agents;
  readonly lineage: string;
  readonly epochs: Readonly<Record<string, bigint>>;
  readonly publisher: PublishingRoutes;
  readonly policy: Publishing<PolicyDocument>;
  readonly clock: Clock;
  readonly patience: Patience;
  readonly stop: Stop;
  readonly emit: Emit;
}

/** Of a run that moves data, and of one that moves users. */
export type ShardContext = RunContext<ShardPlan>;
export type UserContext = RunContext<UserPlan>;

/** The run as its half that moves data has it, with the agents of that half; null where it has none. */
export function asShards(context: RunContext): ShardContext | null {
  return half(context, shardsOf(context.plan));
}

/** The same for users. */
export function asUsers(context: RunContext): UserContext | null {
  return half(context, usersOf(context.plan));
}

function half<P extends Plan>(context: RunContext, plan: P | null): RunContext<P> | null {
  if (plan === null) return null;
  return { ...context, plan, agents: someOf(context.agents, Object.keys(plan.nodes)) };
}

/** The run as a step of it sees it: a step knows its own family only. */
export function contextFor(context: RunContext, step: Step): RunContext {
  const own = isUserStep(step) ? asUsers(context) : asShards(context);
  if (own === null) throw new Error(`the plan has no half for step ${step.id}`);
  return own;
}

export function statusOf(context: RunContext): RunStatus {
  const { status } = context.journal;
  if (status === null) throw new Error(`run ${context.run} has not started`);
  return status;
}

/** Throws when the person asked to stop: nothing is half done here. */
export function stopAtBoundary({ stop }: Pick<RunContext, "stop">): void {
  if (stop.detached.aborted) throw new Interrupted("detached");
  if (stop.stopping.aborted) throw new Interrupted("stopping");
}

/** The answer, unless the person leaves first. Throws `Interrupted` then: whoever was asked goes on with it. */
export async function unlessLeft<T>(
  { stop }: Pick<RunContext, "stop">,
  answer: Promise<T>,
): Promise<T> {
  try {
    return await unlessAborted(answer, [stop.detached]);
  } catch (error) {
    throw stop.detached.aborted ? new Interrupted("detached") : error;
  }
}

/** The lock scope of a keyspace. */
export function keyspaceScope(keyspace: string): string {
  return `keyspace/${keyspace}`;
}

/** With what right agents are asked to change something of a scope. */
export function authorityFor(
  context: Pick<RunContext, "epochs" | "lineage">,
  scope: string,
): Authority {
  const epoch = context.epochs[scope];
  if (epoch === undefined) throw new Error(`the run has no lock of ${scope}`);
  return { scope, epoch, lineage: context.lineage };
}

/** The id of the stage that a step is in. */
export function stageOf(context: RunContext, step: string): string {
  const status = statusOf(context);
  const place = placeOf(status, step);
  if (place === null) throw new Error(`the plan has no step ${step}`);
  return status.stages[place.stage]!.id;
}

/** The nodes without which the run cannot do the steps. */
export function neededFor(context: RunContext, steps: readonly Step[]): string[] {
  const { without } = statusOf(context);
  return participantsOf(steps).filter((node) => !without.has(node));
}

/** The nodes without which a step cannot be done or undone, sorted. */
export function participantsOf(steps: readonly Step[]): string[] {
  const nodes = steps.flatMap((step): string[] => {
    switch (step.kind) {
      case "link":
      case "repoint":
      case "gate":
        return [step.node, step.source];
      case "takeover":
        return [step.node, step.from];
      case "readers":
        return [...step.before, ...step.after].map(({ node }) => node);
      case "soak":
      case "domain":
      case "settings":
      case "relabel":
      case "policy":
      case "recall":
      case "receivers":
      case "ramp":
        return [];
      default:
        return [step.node];
    }
  });
  return [...new Set(nodes)].sort();
}
