import { EXIT } from "../errors.js";
import { overlapOf, subtract, touching } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import type { EntryStatus, NodeStatus } from "../agent/protocol/node.js";
import type { Agent } from "./agents.js";
import { backoff } from "./clock.js";
import { type RunContext, stopAtBoundary, unlessLeft } from "./context.js";
import { Interrupted, StepFailure, asProblem, failureOf, refusalOf } from "./failure.js";
import { NodeWait, tellWaiting } from "./waiting.js";

/**
 * Asks an agent, again and again while it does not answer or says that a retry may help, within the run's patience, and until
 * the run is to stop. Where an earlier try may have arrived, only leaving ends it.
 * @throws StepFailure once patience is over, or at once for a refusal
 */
export async function ask<T>(
  context: RunContext,
  step: string | null,
  node: string,
  asked: string,
  request: (agent: Agent) => Promise<T>,
): Promise<T> {
  const { clock, patience, agents, stop } = context;
  const until = clock.now() + patience.reconnectMs;
  const wait = new NodeWait(context, step, node, until);
  // An earlier try may have arrived although a later one certainly did not.
  let uncertain = false;
  try {
    for (let tries = 1; ; tries += 1) {
      if (stop.detached.aborted) throw new Interrupted("detached");
      try {
        const answer = await unlessLeft(context, request(agents.of(node)));
        wait.answered();
        return answer;
      } catch (error) {
        const problem = asProblem(error);
        const refusal = refusalOf(problem, node, asked);
        if (refusal !== null) throw uncertain ? asUnknown(refusal) : refusal;
        uncertain ||= problem.outcome === "unknown";
        const told = failureOf(problem, node, asked);
        const inMs = backoff(patience.backoffMs, tries);
        if (!problem.retryable || clock.now() + inMs > until) {
          throw new StepFailure(
            uncertain && problem.retryable ? { ...told, outcome: "unknown" } : told,
          );
        }
        wait.failed(told, inMs);
        await clock.sleep(inMs, uncertain ? stop.detached : stop.stopping);
        if (!uncertain) stopAtBoundary(context);
      }
    }
  } finally {
    await wait.end();
  }
}

/** What was refused now may have been taken before. */
function asUnknown({ failure, exit }: StepFailure): StepFailure {
  return new StepFailure({ ...failure, outcome: "unknown" }, exit);
}

/** What a node says about itself. */
export function askNode(
  context: RunContext,
  step: string | null,
  node: string,
): Promise<NodeStatus> {
  return ask(context, step, node, "tell its state", (agent) => agent.node());
}

/** The node's entries that overlap one of the segments, which are sorted; sorted too. */
export async function entriesOn(
  context: RunContext,
  step: string | null,
  node: string,
  keyspace: string,
  segments: readonly Segment[],
): Promise<EntryStatus[]> {
  return entriesIn(await askNode(context, step, node), keyspace, segments);
}

export function entriesIn(
  status: NodeStatus,
  keyspace: string,
  segments: readonly Segment[],
): EntryStatus[] {
  return status.entries
    .filter((entry) => entry.keyspace === keyspace && touching(segments, entry).length > 0)
    .toSorted((a, b) => (a.lo < b.lo ? -1 : 1));
}

/** The entries' parts within the segments, each with its entry. Both sorted. */
export function partsWithin(
  entries: readonly EntryStatus[],
  segments: readonly Segment[],
): { readonly part: Segment; readonly entry: EntryStatus }[] {
  return entries.flatMap((entry) =>
    touching(segments, entry).map((segment) => ({ part: overlapOf(entry, segment)!, entry })),
  );
}

/** Whether the entries cover every position of the segments. */
export function covers(entries: readonly Segment[], segments: readonly Segment[]): boolean {
  return subtract(segments, entries).length === 0;
}

/** Segments as one operation takes them; null for none. */
export function together<S extends Segment>([first, ...also]: readonly S[]):
  | (S & { readonly also?: S[] })
  | null {
  if (first === undefined) return null;
  return also.length === 0 ? first : { ...first, also };
}

/**
 * Looks until `look` finds what it waits for (anything but a text that says what is missing), or the run is to stop.
 * @throws StepFailure `code` when that takes longer than the patience for links
 */
export async function waitFor<T extends object>(
  context: RunContext,
  code: string,
  look: () => Promise<T | string>,
  hint: () => string | null = () => null,
): Promise<T> {
  const { clock, patience, stop } = context;
  const until = clock.now() + patience.linkMs;
  let message = "";
  const over = new AbortController();
  const about = { step: null, node: null, message: () => message };
  const telling = tellWaiting(context, about, until, over.signal);
  try {
    for (let tries = 1; ; tries += 1) {
      const found = await look();
      if (typeof found !== "string") return found;
      message = found;
      if (clock.now() > until)
        throw new StepFailure({ code, message, outcome: "none", hint: hint() }, EXIT.partial);
      stopAtBoundary(context);
      await clock.sleep(backoff(patience.backoffMs, tries), stop.stopping);
    }
  } finally {
    over.abort();
    await telling;
  }
}
