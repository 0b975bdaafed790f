import { EXIT, OpsError } from "../errors.js";
import { sortSegments } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { type Operation, isEnded } from "../agent/protocol/operation.js";
import { inParts } from "../plan/changes.js";
import { range } from "../plan/say.js";
import type { ShardPlan } from "../plan/types.js";
import { pushEpochs } from "./admit.js";
import { ask, entriesOn, partsWithin, together } from "./ask.js";
import { backoff } from "./clock.js";
import { type RunContext, type ShardContext, authorityFor, keyspaceScope } from "./context.js";
import { Interrupted, PEER_UNREACHABLE, StepFailure, failure, runError } from "./failure.js";
import { tellProgress } from "./follow-operation.js";
import { operationId } from "./operation.js";
import { type RunEnvironment, shardPlanOf, withRun } from "./session.js";

/** Copies of segments on one node that were compared with those on the node which they follow. */
export interface VerifiedCopies {
  readonly keyspace: string;
  readonly node: string;
  readonly source: string;
  /** Sorted. Of copies that differ each is told by itself. */
  readonly segments: readonly Segment[];
  /** Null when the copies are equal. */
  readonly difference: string | null;
  /** Of all of them. */
  readonly rows: number | null;
  readonly bytes: number | null;
}

/**
 * Compares every copy that the run made, and every old one that still follows, with its source, now. Changes no data; takes
 * the run's locks, because agents compare on behalf of a lock's holder only.
 * @throws OpsError when an agent cannot be asked
 */
export async function verifyRun(env: RunEnvironment, run: string): Promise<VerifiedCopies[]> {
  const plan = await shardPlanOf(env.store, run);
  return withRun(env, run, plan, async (context) => {
    try {
      const all = await copiesOf(context);
      await pushEpochs(
        context,
        all.map(({ node }) => node),
      );
      const verified: VerifiedCopies[] = [];
      // One after the other: digests read both sides whole.
      for (const copies of all) verified.push(...(await compare(context, copies)));
      return verified;
    } catch (error) {
      if (error instanceof StepFailure)
        throw runError(error, run, `run ${run}`, [`to try again: ops shard verify ${run}`]);
      if (error instanceof Interrupted)
        throw new OpsError("stopped", EXIT.failure, `the comparison for run ${run} was stopped`);
      throw error;
    }
  });
}

type Copies = Pick<VerifiedCopies, "keyspace" | "node" | "source" | "segments">;

/** Followers among the nodes that got a copy or handed over their writes, as many together as one operation is about. */
async function copiesOf(context: ShardContext): Promise<Copies[]> {
  const copies: Copies[] = [];
  for (const { keyspace, segments, node } of placesOf(context.plan)) {
    const entries = await entriesOn(context, null, node, keyspace, segments);
    const bySource = new Map<string, Segment[]>();
    for (const { part, entry } of partsWithin(entries, segments)) {
      if (entry.role !== "follower" || entry.source === null) continue;
      const known = bySource.get(entry.source.node);
      if (known) known.push(part);
      else bySource.set(entry.source.node, [part]);
    }
    for (const [source, parts] of bySource)
      for (const some of inParts(parts)) copies.push({ keyspace, node, source, segments: some });
  }
  return copies;
}

/** What each node got a copy of or handed over, as the plan cut it. */
function placesOf(plan: ShardPlan) {
  const places = new Map<string, { keyspace: string; node: string; segments: Segment[] }>();
  for (const step of plan.stages.flatMap(({ waves }) => waves.flat())) {
    if (step.kind !== "link" && step.kind !== "takeover") continue;
    const { keyspace } = step;
    const node = step.kind === "link" ? step.node : step.from;
    const key = `${keyspace} ${node}`;
    const place = places.get(key) ?? { keyspace, node, segments: [] };
    places.set(key, place);
    place.segments.push(...step.segments);
  }
  return [...places.values()].map((place) => ({
    ...place,
    segments: sortSegments(place.segments),
  }));
}

/** An operation ends at the first copy that differs: then it is asked of each half, until those that differ stand alone. */
async function compare(context: RunContext, copies: Copies): Promise<VerifiedCopies[]> {
  const found = await compareTogether(context, copies);
  const { segments } = copies;
  if (found.difference === null || segments.length === 1) return [found];
  const half = segments.length >> 1;
  return [
    ...(await compare(context, { ...copies, segments: segments.slice(0, half) })),
    ...(await compare(context, { ...copies, segments: segments.slice(half) })),
  ];
}

async function compareTogether(context: RunContext, copies: Copies): Promise<VerifiedCopies> {
  const { clock, patience, stop, emit } = context;
  const { node } = copies;
  const what = `compare ${range(copies)} with ${copies.source}`;
  const until = clock.now() + patience.reconnectMs;
  for (let tries = 1; ; tries += 1) {
    const { state, result, error } = await compareOnce(context, copies, what, tries);
    if (state === "succeeded") {
      const [rows, bytes] = [numberOr(result?.["rows"]), numberOr(result?.["bytes"])];
      return { ...copies, difference: null, rows, bytes };
    }
    const { code, message } = error ?? { code: state, message: "it was cancelled" };
    if (code === "digest-mismatch")
      return { ...copies, difference: message, rows: null, bytes: null };
    const told = failure(code, `${node} was asked to ${what}; it answered ${code}: ${message}`);
    if (code !== PEER_UNREACHABLE) throw new StepFailure(told, EXIT.failure);
    if (clock.now() > until) throw new StepFailure(told, EXIT.partial);
    const inMs = backoff(patience.backoffMs, tries);
    emit({
      type: "retry",
      step: null,
      node,
      error: told,
      inMs,
      leftMs: Math.max(0, until - clock.now()),
    });
    await clock.sleep(inMs, stop.stopping);
  }
}

/** One operation, to its end. */
async function compareOnce(
  context: RunContext,
  { keyspace, node, segments }: Copies,
  what: string,
  tries: number,
): Promise<Operation> {
  const { run, stop, patience } = context;
  const authority = authorityFor(context, keyspaceScope(keyspace));
  const span = `${segments[0]!.lo} ${segments.at(-1)!.hi} ${segments.length}`;
  const about = `${keyspace} ${span} ${authority.epoch}`;
  const id = operationId(run, "verify", about, node, tries);
  const request = { kind: "verify", keyspace, ...together(segments)! } as const;
  const put = () =>
    ask(context, null, node, what, (agent) => agent.putOperation(id, request, authority));
  const progressOf = {
    step: "verify",
    what: `${range({ keyspace, segments })} on ${node}`,
    like: `${keyspace} on ${node}`,
  };
  let last: Operation = await put();
  for (let restarts = 0; !isEnded(last.state) || last.state === "interrupted";) {
    if (stop.stopping.aborted || stop.detached.aborted) throw new Interrupted("stopping");
    const next = await ask(context, null, node, what, (agent) =>
      agent.waitOperation(id, last.rev, Math.min(2_000, patience.pollMs)),
    );
    if (next !== null && next.state !== "interrupted") {
      last = next;
      tellProgress(context, progressOf, last);
    } else if (++restarts <= patience.identicalErrors) last = await put();
    else throw new StepFailure(failure("interrupted", `${node}: its agent does not stay up`));
  }
  return last;
}

function numberOr(value: unknown): number | null {
  const number = typeof value === "string" || typeof value === "number" ? Number(value) : NaN;
  return Number.isFinite(number) ? number : null;
}
