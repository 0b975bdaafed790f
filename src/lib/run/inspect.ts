import type { Said } from "../plan/said.js";
import { sayStep, sayUndo } from "../plan/say.js";
import { type StepKind, stepsOf } from "../plan/any.js";
import type { UserPlan } from "../plan/users/types.js";
import type { Operation } from "../agent/protocol/operation.js";
import type { StateStore } from "../state/contract.js";
import type { Connect } from "./agents.js";
import { remainingOf } from "./eta/from-journal.js";
import type { Live, Span } from "./eta/seen.js";
import { asProblem } from "./failure.js";
import { readHistory } from "./journal/journal.js";
import type { JournalRecord } from "./journal/records.js";
import { openOps } from "./journal/status.js";
import { showRun } from "./runs.js";
import { SCHEDULE } from "../policy/document.js";
import { planOf } from "./session.js";
import type { RunSummary } from "./summary.js";

/** Work that was asked for and has not been seen to end. */
export interface OpenWork extends Said {
  readonly step: string;
  readonly kind: StepKind;
  readonly node: string;
  /** What the agent says now; `no-answer` when it does not, `unknown-there` when it never got it. */
  readonly state: string;
  readonly phase: string | null;
  readonly since: string;
  /** Why it does not go on, where that is known. */
  readonly why: string | null;
}

export interface RunInspection extends RunSummary {
  /** Who works on it now; null for nobody. */
  readonly holder: {
    readonly actor: string;
    readonly pid: number;
    readonly host: string;
    readonly alive: "yes" | "no" | "unknown";
  } | null;
  readonly open: readonly OpenWork[];
  /** What a run that moves users is for; null for others. */
  readonly change: UserPlan["change"] | null;
  /** How long applying goes on, where a process is at it; null where that is not known. */
  readonly remaining: Span | null;
}

/** How a run stands, with what is under way at the agents. Reads only. */
export async function inspectRun(
  store: StateStore,
  connect: Connect,
  run: string,
  now: number,
): Promise<RunInspection> {
  const summary = await showRun(store, run);
  const { status, records } = await readHistory(store, run);
  const held = (await store.holders()).find((holder) => holder.run === run);
  const holder =
    held === undefined
      ? null
      : { actor: held.actor, pid: held.pid, host: held.host, alive: held.alive };
  const ops = openOps(status!);
  const isApplied = summary.activity === "running" && summary.direction === "apply";
  const isGoingOn = isApplied && holder !== null && holder.alive !== "no";
  const isOfUsers = Object.hasOwn(status!.epochs, SCHEDULE);
  const isOpen = ops.length > 0 || isGoingOn;
  // A plan that moves data may be large.
  const plan = isOpen || isOfUsers ? await planOf(store, run) : null;
  const change = plan === null || plan.kind === "shards" ? null : plan.change;
  if (plan === null || !isOpen) return { ...summary, holder, change, open: [], remaining: null };
  const progress = new Map<string, Live>();
  const steps = new Map(stepsOf(plan).map((one) => [one.id, one]));
  const agents = await connect(plan.nodes);
  try {
    const open = await Promise.all(
      ops.map(async ({ op, step: id, node, undo, state, error }): Promise<OpenWork> => {
        const step = steps.get(id)!;
        const said = (undo ? sayUndo(step) : null) ?? sayStep(step);
        const about = { step: id, kind: step.kind, node, ...said, since: sinceOf(records, op) };
        try {
          const live = await agents.of(node).operation(op);
          if (live === null)
            return { ...about, state: "unknown-there", phase: null, why: error?.message ?? null };
          if (live.progress !== null) progress.set(id, liveOf(live.progress));
          return {
            ...about,
            state: live.state,
            phase: live.phase,
            why: live.error?.message ?? null,
          };
        } catch (problem) {
          return { ...about, state: "no-answer", phase: state, why: asProblem(problem).message };
        }
      }),
    );
    const remaining =
      isGoingOn && plan.kind === "shards"
        ? remainingOf(plan, status!, records, progress, now)
        : null;
    return { ...summary, holder, change, open, remaining };
  } finally {
    await agents.close();
  }
}

/** Between two segments of a copy an agent says a rate of 0. */
function liveOf({ done, total, rate }: NonNullable<Operation["progress"]>): Live {
  return { done, total, rate: rate === 0 ? null : rate };
}

function sinceOf(records: readonly JournalRecord[], op: string): string {
  const intent = records.find((record) => record.type === "op.intent" && record.op === op);
  return intent?.time ?? "";
}
