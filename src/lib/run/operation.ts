import {
  type OperationRequest,
  isEnded,
  operationRequest,
  scopeOf,
} from "../agent/protocol/operation.js";
import { sha256 } from "../plan/hash.js";
import { ask } from "./ask.js";
import { backoff } from "./clock.js";
import { type RunContext, authorityFor, stageOf, statusOf, stopAtBoundary } from "./context.js";
import { PEER_UNREACHABLE, StepFailure } from "./failure.js";
import {
  CANCELLED,
  type Ended,
  type Followed,
  type OperateOptions,
  follow,
  outcomeUnknown,
  plain,
} from "./follow-operation.js";
import type { Json, JsonObject } from "./journal/records.js";
import { openOps } from "./journal/status.js";

/** What a node is to be asked next. */
export interface Asked {
  readonly node: string;
  readonly request: OperationRequest;
  readonly inverse: OperationRequest | null;
  readonly preState: Json;
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
  let silentSince: number | null = null;
  for (let tries = 1; ; tries += 1) {
    const asked = await prepare();
    if (asked === null) return null;
    const told = await attempt(context, step, options, asked);
    if (told.failed === null) return told.result;
    if (told.failed.code === CANCELLED) stopAtBoundary(context);
    const times = (said.get(told.failed.code) ?? 0) + 1;
    said.set(told.failed.code, times);
    // The agent answers, but not the node that it needs: waited for as if the run itself needed it.
    const isSilent = told.failed.code === PEER_UNREACHABLE;
    silentSince = isSilent ? (silentSince ?? clock.now()) : null;
    const isOver =
      silentSince === null
        ? times >= patience.identicalErrors
        : clock.now() - silentSince > patience.reconnectMs;
    if (!told.retryable || isOver) throw new StepFailure(told.failed);
    const inMs = backoff(patience.backoffMs, tries);
    emit({ type: "retry", step, node: asked.node, error: told.failed, inMs, leftMs: null });
    await clock.sleep(inMs, stop.stopping);
    stopAtBoundary(context);
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
    const authority = authorityFor(context, scopeOf(followed.request));
    const takenBack = options.undo && !undo;
    // The agent must know the new epoch before its "never heard of it" is final.
    const known = await ask(context, step, node, asked, async (agent) => {
      await agent.putEpoch(authority);
      return agent.operation(op);
    }).catch((error: unknown) => outcomeUnknown(context, op, error));
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

/**
 * The result of the step's last operation, when that was a forward one and is done. What a step did before it was undone says
 * nothing any more, also where nothing had to be asked to undo it.
 */
export function doneResult(context: RunContext, step: string): JsonObject | null {
  const { ops, steps } = statusOf(context);
  const known = steps.get(step);
  if (known === undefined || known.state === "undone") return null;
  const last = ops.get(known.ops.at(-1) ?? "");
  return last !== undefined && !last.undo && last.state === "done" ? last.result : null;
}

async function attempt(
  context: RunContext,
  step: string,
  options: OperateOptions,
  asked: Asked,
): Promise<Ended> {
  const { run, journal, agents } = context;
  const number = statusOf(context).steps.get(step)?.ops.length ?? 0;
  const op = operationId(run, stageOf(context, step), step, asked.node, number);
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
