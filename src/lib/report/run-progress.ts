import type { StepProgress } from "../run/events.js";

/** How work goes on: that of one step, or of many that say the same. */
export interface WorkProgress extends Omit<StepProgress, "step" | "like"> {
  /** How many steps of it are done, and of how many: `128 segments`. */
  readonly steps?: { readonly done: number; readonly of: string };
  /** Not worth a line that stays, unless it goes on for long. */
  readonly isMinor: boolean;
}

/** Work that goes on side by side as one: sums, the largest lag, and the phase of what has most left. Never empty. */
export function together(
  open: readonly StepProgress[],
  over: readonly StepProgress[] = [],
): Omit<WorkProgress, "what" | "isMinor"> {
  const [first] = open as [StepProgress];
  if (open.length + over.length === 1) {
    const { step: _s, what: _w, like: _l, ...rest } = first;
    return rest;
  }
  const { phase, inStateMs } = open.reduce((a, b) => (leftOf(b) > leftOf(a) ? b : a));
  // Of a step that is over nothing is left, whatever it said last.
  const ended = over.map(({ done, total }) => ({ done: total ?? done, total }));
  const done = sumOf([...open, ...ended].map((one) => one.done));
  const totals = [...open, ...ended].map((one) => one.total);
  const total = totals.includes(undefined) ? undefined : sumOf(totals);
  const rate = sumOf(open.map((one) => one.rate));
  const lags = open.flatMap(({ lagMs }) => lagMs ?? []);
  const throttled = [...new Set(open.flatMap((one) => one.throttled ?? []))].toSorted();
  return {
    phase,
    ...(first.unit === undefined ? {} : { unit: first.unit }),
    ...(done === undefined ? {} : { done }),
    ...(total === undefined ? {} : { total }),
    ...(rate === undefined ? {} : { rate }),
    ...(rate === undefined || rate <= 0 || done === undefined || total === undefined
      ? {}
      : { etaMs: (Math.max(0, total - done) / rate) * 1000 }),
    ...(lags.length === 0 ? {} : { lagMs: Math.max(...lags) }),
    ...(inStateMs === undefined ? {} : { inStateMs }),
    ...(throttled.length === 0 ? {} : { throttled: throttled.join(", ") }),
  };
}

/** Of those that are known; undefined where none is. */
function sumOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
}

/** Without a total nobody knows: such a step counts as one that has just begun. */
function leftOf({ done = 0, total }: StepProgress): number {
  return total === undefined ? Infinity : total - done;
}
