import { countText, durationText } from "../../figures.js";
import type { Receiver, ReceiverGates } from "../../plan/users/types.js";
import type { Policy } from "../../topology/types.js";
import type { Objection } from "./rules/registry.js";
import { room } from "./rules/room.js";

/** What a gateway has counted since its process began, and whom it has online now. */
export interface Counted {
  readonly online: number;
  readonly logins: number;
  readonly refused: number;
  /** How late its process is, ms; null where it does not say. */
  readonly lateMs: number | null;
}

/** Of the gateways of receivers, at one time. One that does not answer is not in it. */
export type Counts = ReadonlyMap<string, Counted>;

/**
 * Of the logins at a site that is used nearly in full, so many may be refused by chance, as more come in one second than in others.
 * Each has a turn a moment later.
 */
export const CHANCE = 0.05;

/** In a window of a small site there are few logins: that many standard deviations of a share are chance. */
const DEVIATIONS = 3;

export function receiverGates({ gates }: Pick<Policy, "gates">): ReceiverGates {
  const { windowSeconds, minSamples, maxErrorRate, maxLagMs, maxP99Ratio, checkUrl } = gates;
  const maxRefused = Math.max(maxErrorRate, CHANCE);
  const maxLate = { ms: maxLagMs, ratio: maxP99Ratio };
  return { windowSeconds, minSamples, maxRefused, maxOnline: 1, maxLate, checkUrl };
}

/** Whoever wants users at sites that do not hold them does not want to be stopped by just that. */
export function gatesUnder(
  gates: ReceiverGates,
  overridden: readonly Pick<Objection, "rule">[],
): ReceiverGates {
  return overridden.some(({ rule }) => rule === room.id) ? { ...gates, maxOnline: null } : gates;
}

/** What the gates have against the receivers, by what their gateways counted from one time to another. */
export function gateProblems(
  receivers: readonly Receiver[],
  gates: ReceiverGates,
  from: Counts,
  to: Counts,
): string[] {
  return receivers.flatMap((receiver) => {
    const { site, onlineUsers } = receiver;
    const { online, logins, refused } = countedBetween(receiver, from, to);
    const asked = logins + refused;
    const problems: string[] = [];
    if (asked >= gates.minSamples && isRefusing(refused, asked, gates.maxRefused))
      problems.push(`${site} refused ${countText(refused)} of ${countText(asked)} logins`);
    if (gates.maxOnline !== null && online > onlineUsers * gates.maxOnline)
      problems.push(
        `${site} has ${countText(online)} users online, and takes ${countText(onlineUsers)}`,
      );
    return problems;
  });
}

/** What the gates have against gateways whose processes are late, and were not so before users came. */
export function lateProblems(
  receivers: readonly Receiver[],
  { maxLate }: ReceiverGates,
  before: Counts,
  now: Counts,
): string[] {
  if (maxLate === null) return [];
  return receivers.flatMap(({ site, nodes }) =>
    nodes.flatMap((node) => {
      const late = now.get(node)?.lateMs ?? 0;
      const was = before.get(node)?.lateMs ?? 0;
      if (late <= Math.max(maxLate.ms, was * maxLate.ratio)) return [];
      return [
        `${node} of ${site} lets what comes wait for ${durationText(late)} (p99; ${durationText(was)} before)`,
      ];
    }),
  );
}

/** Whether a site refuses a larger share than it may, beyond what the number of logins lets chance do. */
function isRefusing(refused: number, asked: number, most: number): boolean {
  const share = refused / asked;
  return share - DEVIATIONS * Math.sqrt((share * (1 - share)) / asked) > most;
}

/** Of all gateways of a receiver that were counted at the end. One that was restarted in between counts from 0. */
function countedBetween({ nodes }: Receiver, from: Counts, to: Counts): Omit<Counted, "lateMs"> {
  const sum = { online: 0, logins: 0, refused: 0 };
  for (const node of nodes) {
    const after = to.get(node);
    if (after === undefined) continue;
    const known = from.get(node) ?? after;
    const isRestarted = after.logins < known.logins || after.refused < known.refused;
    const before = isRestarted ? { logins: 0, refused: 0 } : known;
    sum.online += after.online;
    sum.logins += after.logins - before.logins;
    sum.refused += after.refused - before.refused;
  }
  return sum;
}
