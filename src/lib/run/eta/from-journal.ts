import type { ShardPlan } from "../../plan/types.js";
import { stagesUpTo } from "../agenda.js";
import type { JournalRecord } from "../journal/records.js";
import type { RunStatus } from "../journal/status.js";
import { remaining } from "./remaining.js";
import type { Live, Span } from "./seen.js";

/** How long a run that another process applies will go on, by its journal and by what agents say of the work at hand. */
export function remainingOf(
  plan: ShardPlan,
  status: RunStatus,
  records: readonly JournalRecord[],
  live: ReadonlyMap<string, Live>,
  now: number,
): Span | null {
  const begun = new Map<string, number>();
  const done = new Map<string, number | null>();
  /** When the last wave was over, or the stage began: since then its steps may be under way. */
  let last = now;
  for (const record of records) {
    const at = Date.parse(record.time);
    if (record.type === "op.intent") begun.set(record.step, begun.get(record.step) ?? at);
    if (record.type === "step.done") done.set(record.step, at - (begun.get(record.step) ?? at));
    if (record.type === "step.undone") for (const of of [begun, done]) of.delete(record.step);
    if (record.type === "stage.enter" || record.type === "step.done") last = at;
  }
  const stages = stagesUpTo(plan.stages, null);
  const entered = stages.filter(({ id }) => status.entered.has(id)).at(-1);
  const wave = entered?.waves.find((steps) => steps.some(({ id }) => !done.has(id)));
  // Steps without operations, such as gates, leave no other trace.
  for (const { id } of wave ?? []) if (!begun.has(id)) begun.set(id, last);
  const forMs = [...begun].flatMap(([step, at]): [string, number][] =>
    done.has(step) ? [] : [[step, Math.max(0, now - at)]],
  );
  return remaining(plan, stages, { done, begun: new Map(forMs), live });
}
