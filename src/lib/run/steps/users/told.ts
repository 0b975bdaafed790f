import type { SessionsAnswer } from "../../../agent/protocol/gateway.js";
import { countText } from "../../../figures.js";
import { type UserContext, statusOf } from "../../context.js";
import { Interrupted, asProblem } from "../../failure.js";

interface Departing {
  readonly id: string;
  readonly node: string;
  readonly entry: string;
}

/** How many users the step has had told or closed before it was stopped, as it was noted then. */
export function toldBefore(context: UserContext, { id }: Departing): number {
  const noted = statusOf(context).steps.get(id)?.evidence;
  return noted?.about === "told" ? Number(noted.facts["users"]) : 0;
}

/** Does the work; when the run is to stop in the middle of it, says and journals how many users were told until then. */
export async function countingTold<T>(
  context: UserContext,
  step: Departing,
  here: SessionsAnswer,
  work: () => Promise<T>,
): Promise<T> {
  const { id, node, entry } = step;
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Interrupted) || error.how !== "stopping") throw error;
    const now = await context.agents
      .of(node)
      .sessions()
      .catch((problem: unknown) => asProblem(problem));
    if (!("sessions" in now)) {
      const message = `${node} was stopped, and does not say how many users it had told: ${now.message}`;
      context.emit({ type: "note", message });
      throw error;
    }
    const told = Math.max(0, toldOf(now, entry) - toldOf(here, entry));
    const facts = { node, entry, users: toldBefore(context, step) + told };
    await context.journal.append({ type: "evidence", step: id, about: "told", facts });
    const message = `${node} was stopped: ${countText(told)} of its users were told on account of ${entry} until then`;
    context.emit({ type: "note", message });
    throw error;
  }
}

/** Told to log in elsewhere, or closed, since the gateway's process began. */
function toldOf({ entries }: SessionsAnswer, entry: string): number {
  const one = entries.find((other) => other.entry === entry);
  return one === undefined ? 0 : one.told + one.disconnected;
}
