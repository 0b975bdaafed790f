import { countText } from "../../figures.js";
import type { Receiver, ReceiverGates } from "../../plan/users/types.js";
import type { Policy } from "../../topology/types.js";

/** What the gateways of a site have counted. */
export interface Counted {
  readonly online: number;
  readonly logins: number;
  readonly refused: number;
}

export function receiverGates({ gates }: Pick<Policy, "gates">): ReceiverGates {
  const { windowSeconds, minSamples, maxErrorRate } = gates;
  return { windowSeconds, minSamples, maxRefused: maxErrorRate, maxOnline: 1 };
}

/** What the gates have against a site after a window. A gateway that was restarted counts from 0: nothing is said of it then. */
export function gateProblems(
  { site, onlineUsers }: Receiver,
  gates: ReceiverGates,
  before: Counted,
  after: Counted,
): string[] {
  const refused = after.refused - before.refused;
  const asked = after.logins - before.logins + refused;
  const problems: string[] = [];
  if (asked >= gates.minSamples && refused > asked * gates.maxRefused)
    problems.push(`${site} refused ${countText(refused)} of ${countText(asked)} logins`);
  if (after.online > onlineUsers * gates.maxOnline)
    problems.push(
      `${site} has ${countText(after.online)} users online, and takes ${countText(onlineUsers)}`,
    );
  return problems;
}
