import type { SessionsAnswer } from "../../../agent/protocol/gateway.js";
import { countText } from "../../../figures.js";
import { type UserContext, statusOf } from "../../context.js";
import { Interrupted, asProblem } from "../../failure.js";
import type { JsonObject } from "../../journal/records.js";

interface Departing {
  readonly id: string;
  readonly node: string;
  readonly entry: string;
}

/** How many users the step has had told or closed before it was stopped, as it was noted then. */
export function toldBefore(context: UserContext, step: Departing): number {
  return Number(noted(context, step)?.["users"] ?? 0);
}

/** What an operation remembers of when it began: whom it told is counted from there, whichever process follows it. */
export function toldState(here: SessionsAnswer, entry: string): JsonObject {
  return { told: toldOf(here, entry) };
}

/** Does the work; when the run is to stop in the middle of it, says and journals how many users were told until then. */
export async function countingTold<T>(
  context: UserContext,
  step: Departing,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Interrupted && error.how === "stopping") await noteTold(context, step);
    throw error;
  }
}

/** Says and journals how many users the last operation had told when it was stopped, unless that is noted. */
export async function noteTold(context: UserContext, step: Departing): Promise<void> {
  const { id, node, entry } = step;
  const { steps, ops } = statusOf(context);
  const known = steps.get(id);
  // What was done before it was taken back says nothing any more.
  if (known === undefined || known.state === "undone") return;
  const last = ops.get(known.ops.at(-1) ?? "");
  const began = last?.preState as JsonObject | null | undefined;
  if (!last || !began || noted(context, step)?.["op"] === last.op) return;
  const now = await context.agents
    .of(node)
    .sessions()
    .catch((problem: unknown) => asProblem(problem));
  if (!("sessions" in now)) {
    const message = `${node} was stopped, and does not say how many users it had told: ${now.message}`;
    context.emit({ type: "note", message });
    return;
  }
  const told = Math.max(0, toldOf(now, entry) - Number(began["told"]));
  const facts = { node, entry, op: last.op, users: toldBefore(context, step) + told };
  await context.journal.append({ type: "evidence", step: id, about: "told", facts });
  const message = `${node} was stopped: ${countText(told)} of its users were told on account of ${entry} until then`;
  context.emit({ type: "note", message });
}

function noted(context: UserContext, { id }: Departing): JsonObject | null {
  const evidence = statusOf(context).steps.get(id)?.evidence;
  return evidence?.about === "told" ? evidence.facts : null;
}

/** Told to log in elsewhere, or closed, since the gateway's process began. */
function toldOf({ entries }: SessionsAnswer, entry: string): number {
  const one = entries.find((other) => other.entry === entry);
  return one === undefined ? 0 : one.told + one.disconnected;
}
