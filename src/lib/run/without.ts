import { EXIT, OpsError } from "../errors.js";
import { plural } from "../figures.js";
import { type Plan, type Step, shardsOf, usersOf } from "../plan/any.js";
import type { AgendaStage } from "./agenda.js";
import { type RunContext, participantsOf, statusOf } from "./context.js";
import { StepFailure, asProblem, failure } from "./failure.js";
import type { Gone } from "./journal/records.js";
import { type RunStatus, openOps } from "./journal/status.js";
import type { RunEnvironment } from "./session.js";

/** Agents that a run goes on without, by their nodes. */
type GoneNodes = Pick<ReadonlySet<string>, "has">;

/** The step as it is done without agents that are gone for good; null where nothing of it is left. */
export function stepWithout(step: Step, gone: GoneNodes): Step | null {
  if (goneOf(step, gone) === null) return step;
  if (step.kind !== "receivers") return null;
  const receivers = step.receivers
    .map((one) => ({ ...one, nodes: one.nodes.filter((node) => !gone.has(node)) }))
    .filter(({ nodes }) => nodes.length > 0);
  return receivers.length === 0 ? null : { ...step, receivers };
}

/** What is left of an agenda, and what is left out of it. */
export function agendaWithout(
  agenda: readonly AgendaStage[],
  gone: GoneNodes,
): { readonly agenda: AgendaStage[]; readonly notes: string[] } {
  const leftOut = new Map<string, number>();
  const rest = (step: Step): Step[] => {
    const left = stepWithout(step, gone);
    if (left !== null) return [left];
    const node = goneOf(step, gone)!;
    leftOut.set(node, (leftOut.get(node) ?? 0) + 1);
    return [];
  };
  const reduced = agenda.map(({ stage, waves }) => ({
    stage,
    waves: waves.map((wave) => wave.flatMap(rest)).filter((wave) => wave.length > 0),
  }));
  const notes = [...leftOut].map(
    ([node, steps]) => `${node} is gone: ${plural(steps, "step")} of it left out`,
  );
  return { agenda: reduced, notes };
}

/** The first agent of a step that is gone; null where none is. */
function goneOf(step: Step, gone: GoneNodes): string | null {
  const nodes =
    step.kind === "receivers" ? step.receivers.flatMap((one) => one.nodes) : participantsOf([step]);
  return nodes.find((node) => gone.has(node)) ?? null;
}

/** Journals that a step is left out, and why. What its agent was asked for will not be heard of any more. */
export async function leaveOut(context: RunContext, step: Step): Promise<void> {
  const status = statusOf(context);
  const node = goneOf(step, status.without)!;
  const why = status.without.get(node)!;
  for (const { op } of openOps(status, step.id)) {
    const error = failure("left-out", `${node} is gone: ${why}`, { outcome: "unknown" });
    await context.journal.append({ type: "op.failed", op, error });
  }
  await context.journal.append({ type: "step.left-out", step: step.id, node, why });
}

/**
 * Why each of the agents does not answer, for a run to go on without them.
 * @throws OpsError (exit 64) `no-such-agent`; (exit 3) `moves-data`, `goes-back` for a run that is taken back, `answers` for an agent
 * that is not gone
 */
export async function goneFor(
  env: Pick<RunEnvironment, "connect">,
  plan: Plan,
  { run, direction }: Pick<RunStatus, "run" | "direction">,
  nodes: readonly string[],
): Promise<Gone[]> {
  if (nodes.length === 0) return [];
  assertOfUsers(plan, run, nodes);
  if (direction !== "apply") {
    throw new OpsError("goes-back", EXIT.refused, `run ${run} is being taken back`, {
      hint: `a way back goes on by itself without gateways that do not answer: ops run resume ${run}`,
    });
  }
  const agents = await env.connect(
    Object.fromEntries(nodes.map((node) => [node, plan.nodes[node]!])),
  );
  try {
    return await Promise.all(
      nodes.map(async (node) => {
        const answer = await agents
          .of(node)
          .node()
          .catch((error: unknown) => asProblem(error));
        if ("message" in answer) return { node, why: answer.message };
        throw new OpsError("answers", EXIT.refused, `${node} answers: it is not gone`, {
          hint: `ops run resume ${run}`,
        });
      }),
    );
  } finally {
    await agents.close();
  }
}

function assertOfUsers(plan: Plan, run: string, nodes: readonly string[]): void {
  const ofData = Object.keys(shardsOf(plan)?.nodes ?? {});
  const ofUsers = Object.keys(usersOf(plan)?.nodes ?? {});
  const holding = nodes.filter((node) => ofData.includes(node));
  if (holding.length > 0) {
    throw new OpsError(
      "moves-data",
      EXIT.refused,
      `${holding.join(", ")} takes part in moving data in run ${run}: that is never left out, because writes would be lost`,
      { hint: `start it again on its data, or take the run back: ops run show ${run}` },
    );
  }
  const stranger = nodes.find((node) => !ofUsers.includes(node));
  if (stranger === undefined) return;
  throw new OpsError("no-such-agent", EXIT.usage, `${stranger} takes no part in run ${run}`, {
    hint: `these do: ${[...ofUsers, ...ofData].join(", ")}`,
  });
}

/** What to type where a step of users waits for an agent that will not be back. */
export function withoutCommand({ run, plan }: RunContext, error: unknown): string[] {
  if (!(error instanceof StepFailure) || error.failure.code !== "unreachable") return [];
  const steps = usersOf(plan)?.stages.flatMap(({ waves }) => waves.flat()) ?? [];
  const step = steps.find(({ id }) => id === error.step);
  if (step === undefined || !("node" in step)) return [];
  return [`if ${step.node} is gone for good: ops run resume ${run} --without ${step.node}`];
}
