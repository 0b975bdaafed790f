import { encodeJson } from "../agent/protocol/json.js";
import {
  type Operation,
  type OperationRequest,
  isEnded,
  scopeOf,
} from "../agent/protocol/operation.js";
import { EXIT } from "../errors.js";
import { ask } from "./ask.js";
import { unlessAborted } from "./clock.js";
import { type RunContext, authorityFor, statusOf } from "./context.js";
import type { StepProgress } from "./events.js";
import { Interrupted, StepFailure, failure } from "./failure.js";
import type { Failure, JsonObject } from "./journal/records.js";
import type { OpStatus } from "./journal/status.js";

export interface OperateOptions {
  readonly undo: boolean;
  /** What the operation is called in texts: `link profile [0, 100) from sh-1`. */
  readonly what: string;
  /**
   * What becomes of the operation when the run is to stop. `wait`: it is seen to its end. `leave`: it only waits, compares or deletes,
   * and goes on by itself. `cancel`: its agent is asked to end it, and what it has done stays.
   */
  readonly atStop: "wait" | "leave" | "cancel";
  /** What its progress is about; without it none is told. */
  readonly progressOf?: Pick<StepProgress, "what" | "like">;
}

/** An operation whose intent is journalled. */
export interface Followed extends Pick<OpStatus, "op" | "step" | "node"> {
  readonly request: OperationRequest;
}

/** What an agent calls it when a takeover waits for the word of the old writer. */
const RESOLVING = "resolving";

/** How an operation ended. */
export interface Ended {
  readonly result: JsonObject;
  readonly failed: Failure | null;
  readonly retryable: boolean;
}

/** Sends an operation if need be, waits until it has ended, and journals how. `restart`: also when its agent was restarted. */
export async function follow(
  context: RunContext,
  op: Followed,
  options: OperateOptions,
  { send, restart }: { readonly send: boolean; readonly restart: boolean },
): Promise<Ended> {
  const { journal, patience } = context;
  let last: Operation | null = null;
  let sends = 0;
  let resolvedBy: number | null = null;
  let { atStop } = options;
  let isCancelled = false;
  for (let needsSending = send; ;) {
    if (needsSending) {
      if (sends > patience.identicalErrors) return fail(context, op, lostAgain(op, options), false);
      const sent = await put(context, op, options);
      if (sent instanceof StepFailure) return fail(context, op, sent.failure, false);
      last = sent;
      sends += 1;
    } else {
      const seen = await look(context, op, { ...options, atStop }, last);
      if (seen === "cancelled") {
        atStop = "wait";
        isCancelled = true;
        continue;
      }
      last = seen;
    }
    if (last === null) {
      if (!restart)
        return fail(context, op, failure("never-arrived", `${op.node} does not know it`), false);
      needsSending = true;
      continue;
    }
    if (statusOf(context).ops.get(op.op)?.state !== "accepted")
      await journal.append({ type: "op.accepted", op: op.op });
    if (options.progressOf !== undefined)
      tellProgress(context, { step: op.step, ...options.progressOf }, last);
    needsSending = last.state === "interrupted" && restart && !isCancelled;
    if (!isEnded(last.state) && last.phase === RESOLVING) {
      resolvedBy ??= context.clock.now() + patience.linkMs;
      await stillUnresolved(context, op, options, resolvedBy);
      continue;
    }
    resolvedBy = null;
    if (needsSending || !isEnded(last.state)) continue;
    if (last.state === "succeeded") {
      const result = plain(last.result ?? {});
      await journal.append({ type: "op.done", op: op.op, result });
      return { result, failed: null, retryable: false };
    }
    const error = endError(op, options, last);
    // Lost with its agent's process, after it was to end anyway.
    if (isCancelled && last.state === "interrupted")
      return fail(context, op, { ...error, code: CANCELLED }, false);
    return fail(context, op, error, last.error?.retryable ?? false);
  }
}

/** The operation as the agent stored it, or why it was certainly not stored. Throws when that is not certain. */
async function put(
  context: RunContext,
  op: Followed,
  { what }: OperateOptions,
): Promise<Operation | StepFailure> {
  const authority = authorityFor(context, scopeOf(op.request));
  try {
    return await ask(context, op.step, op.node, what, (agent) =>
      agent.putOperation(op.op, op.request, authority),
    );
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    if (error.failure.outcome === "unknown") return outcomeUnknown(context, op.op, error);
    if (error.exit === EXIT.partial) return error;
    await fail(context, op, error.failure, false);
    throw error;
  }
}

/**
 * The next revision of the operation, or without `last` the present one; null when the agent does not know it; `cancelled` when the run
 * is to stop and it was asked to end it.
 */
async function look(
  context: RunContext,
  op: Followed,
  { what, atStop }: OperateOptions,
  last: Operation | null,
): Promise<Operation | null | "cancelled"> {
  const { stop, patience } = context;
  const left = atStop === "wait" ? [stop.detached] : [stop.detached, stop.stopping];
  const asked = `say how its operation ${what} goes`;
  // What changes something is seen to its end, also at an agent that has to come back for that.
  const patient =
    atStop === "leave" ? context : { ...context, stop: { ...stop, stopping: stop.detached } };
  const answer = ask(patient, op.step, op.node, asked, (agent) =>
    last === null ? agent.operation(op.op) : agent.waitOperation(op.op, last.rev, patience.pollMs),
  );
  try {
    return await unlessAborted(answer, left);
  } catch (error) {
    if (!left.some((signal) => signal.aborted)) return outcomeUnknown(context, op.op, error);
    if (stop.detached.aborted) throw new Interrupted("detached");
    if (atStop === "leave") throw new Interrupted("stopping");
    const authority = authorityFor(context, scopeOf(op.request));
    await ask(patient, op.step, op.node, `cancel ${what}`, (agent) =>
      agent.cancelOperation(op.op, authority),
    ).catch((problem: unknown) => outcomeUnknown(context, op.op, problem));
    return "cancelled";
  }
}

/** Says that the old writer has not said how a takeover ended, or stops the step when that has lasted too long. */
async function stillUnresolved(
  context: RunContext,
  { op, step, node }: Followed,
  { what }: OperateOptions,
  until: number,
): Promise<void> {
  const leftMs = until - context.clock.now();
  const message = `${node} was asked to ${what}, and the writer before has not said how that ended`;
  if (leftMs > 0) {
    context.emit({ type: "waiting", step, node: null, message, leftMs });
    return;
  }
  const hint = "start the node that had the writes; until then nobody has those";
  const told = failure("takeover-unresolved", message, { outcome: "unknown", hint });
  await outcomeUnknown(context, op, new StepFailure(told, EXIT.unknown));
}

/** Journals that nobody can say how the operation ended, and stops the step. */
export async function outcomeUnknown(
  context: RunContext,
  op: string,
  error: unknown,
): Promise<never> {
  if (!(error instanceof StepFailure)) throw error;
  const told: Failure = { ...error.failure, outcome: "unknown" };
  await context.journal.append({ type: "op.unknown", op, error: told });
  throw new StepFailure(told, error.exit === EXIT.partial ? EXIT.unknown : error.exit);
}

async function fail(
  context: RunContext,
  op: Followed,
  error: Failure,
  retryable: boolean,
): Promise<Ended> {
  await context.journal.append({ type: "op.failed", op: op.op, error });
  return { result: {}, failed: error, retryable };
}

/** The code of an operation that its agent was asked to end. */
export const CANCELLED = "cancelled";

function endError(op: Followed, { what }: OperateOptions, { state, error }: Operation): Failure {
  if (error === null)
    return failure(state, `${op.node} was asked to ${what}; the operation is ${state}`, {
      outcome: "partial",
    });
  const { code, message, outcome, hint } = error;
  return {
    code,
    message: `${op.node} was asked to ${what}; it answered ${code}: ${message}`,
    outcome,
    hint: hint ?? null,
  };
}

function lostAgain(op: Followed, { what }: OperateOptions): Failure {
  const message = `${op.node} was asked to ${what}; its agent lost the work or was restarted again and again`;
  return failure("interrupted", message, {
    outcome: "partial",
    hint: `look at the log of the agent of ${op.node}`,
  });
}

/** Says how an operation goes on, where it says so itself. */
export function tellProgress(
  { emit }: Pick<RunContext, "emit">,
  about: Pick<StepProgress, "step" | "what" | "like">,
  { phase, progress }: Operation,
): void {
  if (progress === null) return;
  const { done, total, unit, rate } = progress;
  emit({
    type: "progress",
    ...about,
    phase,
    done,
    unit,
    ...(total === null ? {} : { total }),
    ...(rate === null ? {} : { rate }),
    ...(total === null || rate === null || rate <= 0
      ? {}
      : { etaMs: (Math.max(0, total - done) / rate) * 1000 }),
  });
}

/** As JSON holds it: bigints become decimal strings. */
export function plain(value: object): JsonObject {
  return JSON.parse(encodeJson(value)) as JsonObject;
}
