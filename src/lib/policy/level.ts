import type { Entry } from "./document.js";

/** The share of the users, 0..1, that the entry still keeps away after so many steps of its ramp. */
export function levelAfter({ ramp }: Entry, steps: number): number {
  // 1 - 10 * 0.1 is not quite 0.
  return Math.max(0, Math.round((1 - steps * ramp.step) * 1e9) / 1e9);
}

/** The same at a time, when nothing has held the ramp. */
export function level(entry: Entry, now: number): number {
  return levelAfter(entry, stepsDue(entry, now));
}

function stepsDue({ expires, ramp }: Entry, now: number): number {
  return now < expires ? 0 : 1 + Math.floor((now - expires) / ramp.everyMs);
}

/** How far the ramp of an entry has come at an agent. */
export interface RampState {
  readonly steps: number;
  /** When the last step was taken, or would have been had the site been well; ms since 1970. */
  readonly at: number;
}

/** Of an entry at which nobody has looked since it expired. */
export const NOT_RAMPED: RampState = { steps: 0, at: 0 };

/**
 * The ramp at `now`: one step further when one is due, and no more however long ago the last one was, so that users never come back
 * all at once. A site that is not well holds it. A clock that was set back does not: before the expiry it keeps all away again, after
 * it the next step is due.
 */
export function advance(entry: Entry, state: RampState, now: number, isWell: boolean): RampState {
  const { expires, ramp } = entry;
  if (now < expires) return state.at === 0 ? state : NOT_RAMPED;
  if (levelAfter(entry, state.steps) === 0) return state;
  if (Math.abs(now - state.at) < ramp.everyMs) return state;
  return { steps: state.steps + (isWell ? 1 : 0), at: now };
}
