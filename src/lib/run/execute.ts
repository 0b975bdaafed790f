import { setMaxListeners } from "node:events";
import { EXIT, OpsError } from "../errors.js";
import { plural } from "../figures.js";
import { sayStep } from "../plan/say.js";
import type { Step } from "../plan/any.js";
import { type AgendaStage, countLeft } from "./agenda.js";
import { type RunContext, contextFor, statusOf, stopAtBoundary } from "./context.js";
import { Interrupted, StepFailure, runError } from "./failure.js";
import type { Stopped } from "./journal/records.js";
import { isUntouched, openOps } from "./journal/status.js";
import { handlerOf } from "./steps/registry.js";
import { whoAsked } from "./stop-requests.js";
import { agendaWithout, leaveOut, stepWithout } from "./without.js";

/** Does what is left of stages, wave by wave; `before` is done once a stage is entered. */
export async function executeForward(
  context: RunContext,
  agenda: readonly AgendaStage[],
  before: (stage: AgendaStage) => Promise<void> = async () => {},
): Promise<void> {
  const { journal, emit } = context;
  for (const item of agenda) {
    const { id, title } = item.stage;
    if (!statusOf(context).entered.has(id))
      await journal.append({ type: "stage.enter", stage: id });
    const done = agendaWithout([item], statusOf(context).without);
    const left = countLeft(done.agenda[0]!, "forward");
    emit({ type: "stage", stage: id, title, state: "entered", left });
    for (const message of done.notes) emit({ type: "note", message });
    await before(item);
    for (const wave of item.waves) {
      if (!wave.some((step) => isUnderWay(context, step))) stopAtBoundary(context);
      await inParallel(context, wave, async (inner, step) => {
        const told = {
          type: "step",
          stage: id,
          step: step.id,
          kind: step.kind,
          ...sayStep(step),
        } as const;
        const rest = stepWithout(step, statusOf(context).without);
        if (rest === null) return leaveOut(context, step);
        emit({ ...told, state: "begun" });
        await handlerOf(rest).apply(contextFor(inner, rest), rest);
        await journal.append({ type: "step.done", step: step.id });
        emit({ ...told, state: "done" });
      });
    }
    await journal.append({ type: "stage.done", stage: id });
    emit({ type: "stage", stage: id, title, state: "done" });
  }
  stopAtBoundary(context);
}

/**
 * Steps of a wave that are under way at once. Each holds a connection to its agent for as long as it waits there, and a wave of a
 * hash ring has thousands.
 */
const MOST_AT_ONCE = 24;

/** Steps that only look on, and would only take longer one after the other. */
const LOOKS_ON: ReadonlySet<Step["kind"]> = new Set(["gate", "soak"]);

/**
 * Runs the steps of a wave at once, as far as that goes. When one fails, the others stop waiting where they can and those behind
 * them do not begin; all failures are told.
 */
export async function inParallel(
  context: RunContext,
  wave: readonly Step[],
  work: (context: RunContext, step: Step) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const stopping = AbortSignal.any([context.stop.stopping, failed.signal]);
  setMaxListeners(0, stopping);
  const inner: RunContext = { ...context, stop: { ...context.stop, stopping } };
  const errors: unknown[] = [];
  const queue = [...wave];
  const lane = async () => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      try {
        if (!isUnderWay(context, step)) stopAtBoundary(inner);
        await work(inner, step);
      } catch (error) {
        if (error instanceof StepFailure) error.step ??= step.id;
        errors.push(error);
        failed.abort();
      }
    }
  };
  const lanes = wave.some(({ kind }) => LOOKS_ON.has(kind)) ? wave.length : MOST_AT_ONCE;
  await Promise.all(Array.from({ length: Math.min(lanes, wave.length) }, lane));
  if (errors.length > 0) throw worstOf(errors);
}

/**
 * Whether an agent goes on with what a process before asked it for. A run that is to stop takes that up all the same: its agent has
 * to be told to end it, or it has to be seen to its end.
 */
export function isUnderWay(context: RunContext, { id }: Pick<Step, "id">): boolean {
  return openOps(statusOf(context), id).some(({ state }) => state === "accepted");
}

/** A bug, before a failure of a step, before having been interrupted. The message of a failure holds those of the others. */
function worstOf(errors: readonly unknown[]): unknown {
  const bug = errors.find(
    (error) => !(error instanceof StepFailure || error instanceof Interrupted),
  );
  if (bug !== undefined) return bug;
  const failures = errors.filter((error) => error instanceof StepFailure);
  const worst =
    SEVERITY.map((exit) => failures.find((error) => error.exit === exit)).find(
      (error) => error !== undefined,
    ) ?? failures[0];
  if (worst === undefined)
    return errors.find((error) => (error as Interrupted).how === "detached") ?? errors[0];
  const others = failures.filter((error) => error !== worst && error.message !== worst.message);
  if (others.length === 0) return worst;
  const told = [worst, ...others].map((error) => error.failure.message);
  const more = told.length - FAILURES_TOLD;
  const message = [
    ...told.slice(0, FAILURES_TOLD),
    ...(more > 0 ? [`and ${plural(more, "more step")} failed`] : []),
  ].join("\n  ");
  const merged = new StepFailure({ ...worst.failure, message }, worst.exit);
  merged.step = worst.step;
  return merged;
}

/** Many steps that fail at once mostly have one reason. */
const FAILURES_TOLD = 4;

const SEVERITY: readonly number[] = [
  EXIT.locked,
  EXIT.unknown,
  EXIT.unreachable,
  EXIT.refused,
  EXIT.partial,
];

/**
 * Journals why a run stopped before its end, and makes the error for people of it. `ended` runs (refused before anything was
 * touched) are over; others can be taken up again.
 */
export async function stopRun(
  context: RunContext,
  error: unknown,
  commands: readonly string[],
): Promise<never> {
  const { journal, emit, run } = context;
  const stopped = async (why: Stopped) => {
    await journal.append({ type: "run.stopped", ...why });
    emit({ type: "stopped", ...why });
  };
  if (error instanceof Interrupted) {
    const detached = error.how === "detached";
    const by = detached ? null : whoAsked(context.stop);
    const none = { step: null, error: null };
    if (by === null) await stopped({ reason: detached ? "detached" : "signal", ...none });
    else await stopped({ reason: "asked", by, ...none });
    throw new OpsError(
      detached ? "detached" : "stopped",
      detached ? EXIT.unknown : EXIT.partial,
      detached
        ? `run ${run}: detached; what the agents had been asked goes on`
        : `run ${run}: stopped at a safe boundary${by === null ? "" : `, as ${by.actor} asked (${by.command})`}${stillTelling(context)}`,
      { hint: commands.join("\n      "), details: { run } },
    );
  }
  const untouched = isUntouched(statusOf(context));
  if (error instanceof StepFailure) {
    const { failure, step } = error;
    if (untouched) await refuse(context, failure.message);
    else {
      const reason = failure.outcome === "unknown" ? "unknown" : "failed";
      await stopped({ reason, step, error: failure });
    }
    throw runError(error, run, whereOf(context, step), untouched ? [] : commands);
  }
  if (error instanceof OpsError) {
    const told = {
      code: error.code,
      message: error.message,
      outcome: "none" as const,
      hint: error.hint ?? null,
    };
    if (untouched) await refuse(context, error.message);
    else await stopped({ reason: "failed", step: null, error: told });
  }
  throw error;
}

/** Gateways that a process before had asked to tell users, and that this one was stopped before it could ask to end that. */
function stillTelling(context: RunContext): string {
  const nodes = openOps(statusOf(context))
    .filter(({ request }) => TELLS.has(request["kind"]))
    .map(({ node }) => node);
  if (nodes.length === 0) return "";
  return `; ${[...new Set(nodes)].join(", ")} may go on telling the users of a part, to its end`;
}

const TELLS: ReadonlySet<unknown> = new Set(["relogin", "disconnect"]);

async function refuse({ journal, emit }: RunContext, why: string): Promise<void> {
  await journal.append({ type: "run.end", outcome: "refused", why });
  emit({ type: "ended", outcome: "refused" });
}

function whereOf({ plan, run }: RunContext, step: string | null): string {
  const stage = plan.stages.find(({ waves }) => waves.flat().some(({ id }) => id === step));
  return stage === undefined || step === null
    ? `run ${run}`
    : `run ${run}, stage ${stage.id}, step ${step}`;
}
