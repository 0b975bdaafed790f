import { encodeJson } from "../agent/protocol/json.js";
import {
  type Operation,
  type OperationRequest,
  isEnded,
  operationRequest,
} from "../agent/protocol/operation.js";
import { EXIT } from "../errors.js";
import { ask } from "./ask.js";
import { backoff } from "./clock.js";
import { type RunContext, authorityFor, stageOf, statusOf } from "./context.js";
import { Interrupted, StepFailure, failure } from "./failure.js";
import { sha256 } from "./journal/codec.js";
import type { Failure, Json, JsonObject } from "./journal/records.js";
import { openOps, type OpStatus } from "./journal/status.js";

/** What a node is to be asked next. */
export interface Asked {
  readonly node: string;
  readonly request: OperationRequest;
  readonly inverse: OperationRequest | null;
  readonly preState: Json;
}

export interface OperateOptions {
  readonly undo: boolean;
  /** What the operation is called in texts: `link profile [0, 100) from sh-1`. */
  readonly what: string;
  /** The operation only waits or compares: it may be left to itself when the run stops. */
  readonly leavable: boolean;
  /** What its progress is about; without it none is told. */
  readonly progressOf?: string;
}

/** The id of one attempt: the same intent has the same id, so sending it twice is sending it once. */
export function operationId(
  run: string,
  stage: string,
  step: string,
  node: string,
  attempt: number,
): string {
  return sha256(JSON.stringify([run, stage, step, node, attempt]));
}

/**
 * Has a node do something: journals the intent, sends it, follows it to its end, journals that. `prepare` is called before each
 * attempt and answers null when nothing has to be done (any more); then null is returned.
 * @throws StepFailure when it failed for good; with outcome unknown when the node could not be asked
 */
export async function operate(
  context: RunContext,
  step: string,
  options: OperateOptions,
  prepare: () => Promise<Asked | null>,
): Promise<JsonObject | null> {
  const { clock, patience, emit, stop } = context;
  const said = new Map<string, number>();
  for (let tries = 1; ; tries += 1) {
    const asked = await prepare();
    if (asked === null) return null;
    const told = await attempt(context, step, options, asked);
    if (told.failed === null) return told.result;
    const times = (said.get(told.failed.code) ?? 0) + 1;
    said.set(told.failed.code, times);
    if (!told.retryable || times >= patience.identicalErrors) throw new StepFailure(told.failed);
    const inMs = backoff(patience.backoffMs, tries);
    emit({ type: "retry", step, node: asked.node, error: told.failed, inMs });
    await clock.sleep(inMs, stop.detached);
  }
}

/**
 * Learns how the step's open operation ended, if it has one: what a run does first with a step that an earlier process began.
 * In a rollback an operation that never arrived counts as failed (the newer epoch keeps it from arriving), and one that runs is
 * cancelled; otherwise it is sent again, or followed.
 */
export async function settle(
  context: RunContext,
  step: string,
  options: OperateOptions,
): Promise<void> {
  for (const { op, node, undo, request } of openOps(statusOf(context), step)) {
    const followed: Followed = { op, step, node, request: operationRequest.parse(request) };
    const asked = `say how its operation ${options.what} went`;
    const authority = authorityFor(context, followed.request.keyspace);
    const takenBack = options.undo && !undo;
    // The agent must know the new epoch before its "never heard of it" is final.
    const known = await ask(context, step, node, asked, async (agent) => {
      await agent.putEpoch(authority);
      return agent.operation(op);
    }).catch((error: unknown) => unknown(context, op, error));
    if (takenBack && known !== null && !isEnded(known.state)) {
      await ask(context, step, node, `cancel ${options.what}`, (agent) =>
        agent.cancelOperation(op, authority),
      );
    }
    await follow(context, followed, options, {
      send: known === null && !takenBack,
      restart: !takenBack,
    });
  }
}

/** The result of the step's last operation, when that was a forward one and is done. */
export function doneResult(context: RunContext, step: string): JsonObject | null {
  const { ops, steps } = statusOf(context);
  const last = ops.get(steps.get(step)?.ops.at(-1) ?? "");
  return last !== undefined && !last.undo && last.state === "done" ? last.result : null;
}

interface Attempt {
  readonly result: JsonObject;
  readonly failed: Failure | null;
  readonly retryable: boolean;
}

async function attempt(
  context: RunContext,
  step: string,
  options: OperateOptions,
  asked: Asked,
): Promise<Attempt> {
  const { run, plan, journal, agents } = context;
  const number = statusOf(context).steps.get(step)?.ops.length ?? 0;
  const op = operationId(run, stageOf(plan, step), step, asked.node, number);
  const request = plain(asked.request);
  await journal.append({
    type: "op.intent",
    op,
    step,
    attempt: number,
    undo: options.undo,
    node: asked.node,
    url: agents.urlOf(asked.node),
    request,
    requestHash: sha256(JSON.stringify(request)),
    inverse: asked.inverse === null ? null : plain(asked.inverse),
    preState: asked.preState,
  });
  return follow(context, { op, step, node: asked.node, request: asked.request }, options, {
    send: true,
    restart: true,
  });
}

interface Followed extends Pick<OpStatus, "op" | "step" | "node"> {
  readonly request: OperationRequest;
}

/** Sends an operation if need be, waits until it has ended, and journals how. `restart`: also when its agent was restarted. */
async function follow(
  context: RunContext,
  op: Followed,
  options: OperateOptions,
  { send, restart }: { readonly send: boolean; readonly restart: boolean },
): Promise<Attempt> {
  const { journal, patience } = context;
  let last: Operation | null = null;
  let sends = 0;
  for (let needsSending = send; ;) {
    if (needsSending) {
      if (sends > patience.identicalErrors) return fail(context, op, lostAgain(op, options), false);
      const sent = await put(context, op, options);
      if (sent instanceof StepFailure) return fail(context, op, sent.failure, false);
      last = sent;
      sends += 1;
    } else {
      last = await look(context, op, options, last);
    }
    if (last === null) {
      if (!restart)
        return fail(context, op, failure("never-arrived", `${op.node} does not know it`), false);
      needsSending = true;
      continue;
    }
    if (statusOf(context).ops.get(op.op)?.state !== "accepted")
      await journal.append({ type: "op.accepted", op: op.op });
    tell(context, op, options, last);
    needsSending = last.state === "interrupted" && restart;
    if (needsSending || !isEnded(last.state)) continue;
    if (last.state === "succeeded") {
      const result = plain(last.result ?? {});
      await journal.append({ type: "op.done", op: op.op, result });
      return { result, failed: null, retryable: false };
    }
    return fail(context, op, endError(op, options, last), last.error?.retryable ?? false);
  }
}

/** The operation as the agent stored it, or why it was certainly not stored. Throws when that is not certain. */
async function put(
  context: RunContext,
  op: Followed,
  { what }: OperateOptions,
): Promise<Operation | StepFailure> {
  const authority = authorityFor(context, op.request.keyspace);
  try {
    return await ask(context, op.step, op.node, what, (agent) =>
      agent.putOperation(op.op, op.request, authority),
    );
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    if (error.failure.outcome === "unknown") return unknown(context, op.op, error);
    if (error.exit === EXIT.partial) return error;
    await fail(context, op, error.failure, false);
    throw error;
  }
}

/** The next revision of the operation, or without `last` the present one; null when the agent does not know it. */
async function look(
  context: RunContext,
  op: Followed,
  { what, leavable }: OperateOptions,
  last: Operation | null,
): Promise<Operation | null> {
  const { stop, patience } = context;
  const left = leavable ? [stop.detached, stop.stopping] : [stop.detached];
  const asked = `say how its operation ${what} goes`;
  const answer = ask(context, op.step, op.node, asked, (agent) =>
    last === null ? agent.operation(op.op) : agent.waitOperation(op.op, last.rev, patience.pollMs),
  );
  try {
    return await unlessAborted(answer, left);
  } catch (error) {
    if (!left.some((signal) => signal.aborted)) return unknown(context, op.op, error);
    throw new Interrupted(stop.detached.aborted ? "detached" : "stopping");
  }
}

/** Settles as the promise does, or rejects as soon as a signal is aborted. */
async function unlessAborted<T>(promise: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  const any = AbortSignal.any([...signals]);
  if (any.aborted) {
    promise.catch(() => {});
    throw any.reason;
  }
  const { promise: aborted, reject } = withReject();
  const onAbort = () => reject(any.reason);
  any.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    any.removeEventListener("abort", onAbort);
    promise.catch(() => {});
  }
}

function withReject(): { promise: Promise<never>; reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<never>((_, no) => (reject = no));
  return { promise, reject };
}

/** Journals that nobody can say how the operation ended, and stops the step. */
async function unknown(context: RunContext, op: string, error: unknown): Promise<never> {
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
): Promise<Attempt> {
  await context.journal.append({ type: "op.failed", op: op.op, error });
  return { result: {}, failed: error, retryable };
}

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

function tell(
  { emit }: RunContext,
  op: Followed,
  { progressOf }: OperateOptions,
  { phase, progress }: Operation,
): void {
  if (progress === null || progressOf === undefined) return;
  const { done, total, unit, rate } = progress;
  emit({
    type: "progress",
    step: op.step,
    what: progressOf,
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
function plain(value: object): JsonObject {
  return JSON.parse(encodeJson(value)) as JsonObject;
}
