import { SCHEDULE } from "../../../policy/document.js";
import { stepsOf } from "../../../plan/any.js";
import { ask } from "../../ask.js";
import { type UserContext, authorityFor, statusOf, unlessLeft } from "../../context.js";
import { StepFailure, failure } from "../../failure.js";
import { openOps } from "../../journal/status.js";

interface Departing {
  readonly id: string;
  readonly node: string;
  readonly entry: string;
}

/**
 * Before a gateway has users leave: it has the policy by which it tells where to, and that still keeps them away.
 * @throws StepFailure `expired`, or when it does not take the policy
 */
export async function assertMasked(
  context: UserContext,
  { node, entry }: Departing,
): Promise<void> {
  const masked = stepsOf(context.plan)
    .flatMap((step) => (step.kind === "policy" ? step.after.entries : []))
    .find(({ id }) => id === entry);
  if (masked !== undefined && masked.expires <= context.clock.now()) {
    const message = `${entry} has ended: users come back to ${masked.site}, so nobody more is sent away`;
    throw new StepFailure(
      failure("expired", message, { hint: "take it back, and make a new one" }),
    );
  }
  await assertTold(context, node);
}

/** Publishes the policy once more to a gateway that has not acknowledged it. Throws StepFailure when it still does not. */
export async function assertTold(context: UserContext, node: string): Promise<void> {
  const missing = statusOf(context).policy?.missing ?? [];
  if (missing.includes(node)) await context.policy.publish(null, (known) => known!, [node]);
}

/**
 * Whether any of the gateways answers that users left on account of the entry: nobody is called back to sites that are all dead.
 * Where some answer, whoever belongs to another one goes on to the next address that it is given.
 */
export async function isHomeWell(
  context: UserContext,
  { id, node, entry }: Departing,
): Promise<boolean> {
  const nodes = stepsOf(context.plan).flatMap((step) =>
    (step.kind === "relogin" || step.kind === "disconnect" || step.kind === "empty") &&
    `${step.entry}-back` === entry
      ? [step.node]
      : [],
  );
  const home = [...new Set(nodes)];
  const answers = await unlessLeft(
    context,
    Promise.allSettled(home.map((gateway) => context.agents.of(gateway).sessions())),
  );
  const silent = home.filter((_, i) => answers[i]!.status === "rejected");
  if (silent.length === 0) return true;
  if (silent.length < home.length) {
    const message = `${silent.join(", ")} does not answer: users are called back all the same, as other gateways that they left do`;
    context.emit({ type: "note", message });
    return true;
  }
  const message = `${silent.join(", ")} does not answer: nobody is told to log in there again`;
  context.emit({ type: "note", message });
  // An earlier process may have begun it while the site was well.
  for (const { op } of openOps(statusOf(context), id)) {
    const authority = authorityFor(context, SCHEDULE);
    await ask(context, id, node, "cancel its operation", async (agent) => {
      if ((await agent.operation(op)) !== null) await agent.cancelOperation(op, authority);
    });
    const told = failure("cancelled", message, { outcome: "partial" });
    await context.journal.append({ type: "op.failed", op, error: told });
  }
  return false;
}

/**
 * A gateway that does not answer is in nobody's way back: its users are gone with it, or the policy leads them home when they next log
 * in.
 */
export async function unlessSilent(
  context: UserContext,
  { id }: Departing,
  undo: () => Promise<void>,
): Promise<void> {
  try {
    await undo();
  } catch (error) {
    if (!(error instanceof StepFailure) || error.failure.code !== "unreachable") throw error;
    for (const { op } of openOps(statusOf(context), id))
      await context.journal.append({ type: "op.failed", op, error: error.failure });
    const message = `${error.failure.message}. The rollback goes on without it`;
    context.emit({ type: "note", message });
  }
}
