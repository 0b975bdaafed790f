import type { AgentProblem } from "../agent/client/problem.js";
import { EXIT } from "../errors.js";
import { shardsOf, stepsOf, usersOf } from "../plan/any.js";
import type { AdoptStep } from "../plan/types.js";
import type { RunContext } from "./context.js";
import {
  asShards,
  asUsers,
  authorityFor,
  neededFor,
  statusOf,
  stopAtBoundary,
  unlessLeft,
} from "./context.js";
import { assertCurrent } from "./drift/stale.js";
import { StepFailure, asProblem, failure, failureOf, refusalOf } from "./failure.js";
import type { Failure } from "./journal/records.js";
import { observeAgents } from "./observe.js";
import { observeWithSilent } from "./silent-writers.js";
import { assertSamePolicy } from "./stale-policy.js";

/** Tries at an agent before the run begins. */
const TRIES = 2;
const BETWEEN_MS = 500;

/**
 * Tells every agent the run's epochs, so that whatever an older ops process still sends is refused. Returns the agents that
 * did not answer, with why.
 * @throws StepFailure when one refuses the run, or not one of `needed` answers (exit 9)
 */
export async function pushEpochs(
  context: RunContext,
  needed: readonly string[],
): Promise<ReadonlyMap<string, StepFailure>> {
  const { agents } = context;
  const silent = new Map<string, StepFailure>();
  await Promise.all(
    agents.nodes.map(async (node) => {
      const told = await pushTo(context, node);
      if (told !== null) silent.set(node, told);
    }),
  );
  if (needed.length > 0 && needed.every((node) => silent.has(node))) {
    const why = needed.map((node) => silent.get(node)!.failure.message).join("\n  ");
    throw new StepFailure(
      failure("unreachable", `no agent that is needed answers:\n  ${why}`),
      EXIT.unreachable,
    );
  }
  return silent;
}

/**
 * Before a new run touches anything: the agents that it needs answer, know its epoch, and hold what the plan was made for.
 * @throws StepFailure (exit 3, 5 or 9), OpsError `stale-plan` (exit 4)
 */
export async function admitNew(context: RunContext): Promise<void> {
  const { plan, emit } = context;
  const steps = stepsOf(plan).filter(({ kind }) => kind !== "preflight");
  const needed = neededFor(context, steps);
  const silent = await pushEpochs(context, needed);
  const missing = needed.flatMap((node) => silent.get(node)?.failure.message ?? []);
  if (missing.length > 0) {
    const hint =
      "start or upgrade these agents, or correct their URLs in the topology and plan again";
    throw new StepFailure(failure("unreachable", missing.join("\n  "), { hint }), EXIT.refused);
  }
  for (const node of silent.keys()) {
    emit({
      type: "note",
      message: `${node} does not answer; it takes no part, and gets the routes later`,
    });
  }
  const [users, shards] = [asUsers(context), asShards(context)];
  if (users !== null) assertSamePolicy(users.plan, await context.policy.current());
  if (shards === null) return;
  const observing = plan.kind === "region" ? observeWithSilent : observeAgents;
  assertCurrent(shards.plan, await unlessLeft(context, observing(shards.agents, 0)));
}

/** The scopes in which a node is asked for anything. */
function scopesFor({ plan }: RunContext, node: string): readonly string[] {
  const halves = [usersOf(plan), shardsOf(plan)].filter((one) => one !== null);
  return halves.flatMap(({ nodes, scopes }) => (Object.hasOwn(nodes, node) ? scopes : []));
}

async function pushTo(context: RunContext, node: string): Promise<StepFailure | null> {
  const asked = "take the run's epoch";
  const adoption = adoptionOf(context, node);
  for (let tries = 1; ; tries += 1) {
    try {
      if (adoption !== null) return await assertStays(context, adoption);
      for (const scope of scopesFor(context, node))
        await unlessLeft(context, context.agents.of(node).putEpoch(authorityFor(context, scope)));
      return null;
    } catch (error) {
      if (error instanceof StepFailure) throw error;
      const problem = asProblem(error);
      const refusal = refusalOf(problem, node, asked);
      if (refusal !== null) throw refusal;
      if (tries >= TRIES || !problem.retryable)
        return new StepFailure({ ...explained(problem, node, asked), outcome: "none" });
      await context.clock.sleep(BETWEEN_MS, context.stop.stopping);
      stopAtBoundary(context);
    }
  }
}

/** The step by which the node is to come to this control plane; null where it has come, or is there. */
function adoptionOf(context: RunContext, node: string): AdoptStep | null {
  const found = stepsOf(context.plan)
    .filter((step) => step.kind === "adopt")
    .find((step) => step.node === node);
  if (found === undefined) return null;
  return statusOf(context).steps.get(found.id)?.state === "done" ? null : found;
}

/** Throws StepFailure for a node that has left its control plane since the plan was made: `unknown-lineage`; `lineage-changed` if it is back. */
async function assertStays(context: RunContext, step: AdoptStep): Promise<null> {
  const { node, from, changes } = step;
  const { lineage, lineageChanges } = await unlessLeft(context, context.agents.of(node).node());
  if (lineage === context.lineage) return null;
  if (lineage === from && lineageChanges === changes) return null;
  if (lineage === from) {
    const back = `${node} has left the control plane ${from} and come back to it since the plan was made`;
    const hint = "look again: ops agent adopt";
    throw new StepFailure(failure("lineage-changed", back, { hint }), EXIT.refused);
  }
  const message = `${node} was to leave the control plane ${from}, and obeys ${lineage ?? "none"} now`;
  throw new StepFailure(failure("unknown-lineage", message), EXIT.refused);
}

/** An agent of another version of the API does not understand the question, or is not understood. */
function explained(problem: AgentProblem, node: string, asked: string): Failure {
  const told = failureOf(problem, node, asked);
  if (problem.code !== "bad-answer") return told;
  const message = `${node} does not speak version 1 of the agent API: ${problem.message}`;
  return { ...told, message };
}
