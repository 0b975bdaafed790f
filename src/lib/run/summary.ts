import { SCHEDULE } from "../policy/document.js";
import type { Gone, JsonObject, Outcome, Stopped } from "./journal/records.js";
import { pausesOf } from "./pauses.js";
import {
  type Activity,
  type Direction,
  type RunStatus,
  type StepStatus,
  isTouched,
} from "./journal/status.js";

/** How a run stands, for people and programs. */
export interface RunSummary {
  readonly run: string;
  readonly plan: string;
  readonly direction: Direction;
  readonly activity: Activity;
  readonly outcome: Outcome | null;
  /** The stage that is under way, or was last. */
  readonly stage: string | null;
  readonly steps: { readonly done: number; readonly total: number };
  readonly startedAt: string;
  /** When it came into its present state. */
  readonly since: string;
  readonly soakUntil: string | null;
  readonly stop: Stopped | null;
  /** Every takeover, in order, with its planned and actual write pause. */
  readonly takeovers: readonly JsonObject[];
  /** Agents that have not acknowledged the last routes, by keyspace. */
  readonly missing: Readonly<Record<string, readonly string[]>>;
  /** Agents that have not acknowledged the last policy. */
  readonly policyMissing: readonly string[];
  /** Agents that did not say whether they still keep users away by entries that have ended. */
  readonly unheard: readonly string[];
  /** Access agents that the run went on without, why, and how many steps were left out for each. */
  readonly without: readonly (Gone & { readonly steps: number })[];
  /** What to type next. */
  readonly next: readonly string[];
}

export function summarize(status: RunStatus): RunSummary {
  const { run, plan, direction, activity, outcome, startedAt, since, soakUntil, stop } = status;
  const all = status.stages.flatMap(({ waves }) => waves.flat());
  const entered = status.stages.filter(({ id }) => status.entered.has(id));
  const stage =
    direction === "undo"
      ? entered.findLast(({ waves }) => waves.flat().some((step) => isTouched(status, step)))
      : entered.at(-1);
  const missing = [...status.routes].filter(([, { missing }]) => missing.length > 0);
  return {
    run,
    plan,
    direction,
    activity,
    outcome,
    stage: stage?.id ?? null,
    steps: {
      done: all.filter((step) => status.steps.get(step)?.state === "done").length,
      total: all.length,
    },
    startedAt,
    since,
    soakUntil,
    stop,
    takeovers: [...status.ops.values()].flatMap(({ step, node, undo, request, state, result }) =>
      request["kind"] === "takeover" && state === "done"
        ? pausesOf(result).map((pause) => ({ step, node, undo, ...pause }))
        : [],
    ),
    missing: Object.fromEntries(missing.map(([keyspace, { missing: nodes }]) => [keyspace, nodes])),
    policyMissing: status.policy?.missing ?? [],
    unheard: [...new Set([...status.steps.values()].flatMap(silentIn))],
    without: [...status.without].map(([node, why]) => ({
      node,
      why,
      steps: [...status.leftOut.values()].filter((one) => one === node).length,
    })),
    next: nextCommands(status),
  };
}

function silentIn({ evidence }: StepStatus): string[] {
  return evidence?.about === "silent" ? (evidence.facts["nodes"] as string[]) : [];
}

/** What can be typed about a run in this state. */
export function nextCommands({ run, direction, activity, epochs }: RunStatus): string[] {
  if (activity === "ended") return [];
  if (activity === "soaking") return [`ops shard finalize ${run}`, `ops shard rollback ${run}`];
  const again = `ops run resume ${run}`;
  const family = Object.hasOwn(epochs, SCHEDULE) ? "run" : "shard";
  return direction === "apply" ? [again, `ops ${family} rollback ${run}`] : [again];
}
