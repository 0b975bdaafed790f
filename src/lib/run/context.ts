import type { Authority } from "../agent/protocol/headers.js";
import type { Plan, Step } from "../plan/types.js";
import type { StateStore } from "../state/contract.js";
import type { Agents } from "./agents.js";
import { type Clock, type Patience, type Stop, unlessAborted } from "./clock.js";
import type { Emit } from "./events.js";
import { Interrupted } from "./failure.js";
import type { Journal } from "./journal/journal.js";
import { type RunStatus, placeOf } from "./journal/status.js";
import type { RouteTable } from "../routing/table.js";

/** Makes the next table of the current one, null where there is none. */
export type RouteChange = (table: RouteTable | null) => RouteTable | Promise<RouteTable>;

/** Where route tables come from and go to: see `Publisher`. */
export interface Publishing {
  /** The newest table that the store or any agent that answers has. */
  current(keyspace: string): Promise<RouteTable | null>;
  /**
   * Publishes the table that `change` makes of the current one, to every agent of the plan, and waits for their
   * acknowledgements. The same table again keeps its version, so this may be repeated at will. An agent that is not in
   * `needed` and does not answer in time is named in the result; redirects keep its clients right until it is told.
   * @throws StepFailure when a needed agent does not acknowledge it
   */
  publish(
    step: string | null,
    keyspace: string,
    change: RouteChange,
    needed: readonly string[],
  ): Promise<readonly string[]>;
}

/** What the execution of a run has at hand. Exists only while the run's locks are held. */
export interface RunContext {
  readonly run: string;
  readonly plan: Plan;
  readonly store: StateStore;
  readonly journal: Journal;
  readonly agents: Agents;
  readonly lineage: string;
  readonly epochs: Readonly<Record<string, bigint>>;
  readonly publisher: Publishing;
  readonly clock: Clock;
  readonly patience: Patience;
  readonly stop: Stop;
  readonly emit: Emit;
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

/** With what right a keyspace's agents are asked to change something. */
export function authorityFor(
  context: Pick<RunContext, "epochs" | "lineage">,
  keyspace: string,
): Authority {
  const scope = `keyspace/${keyspace}`;
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
        return [];
      default:
        return [step.node];
    }
  });
  return [...new Set(nodes)].sort();
}
