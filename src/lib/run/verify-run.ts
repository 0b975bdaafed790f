import { EXIT, OpsError } from "../errors.js";
import { sortSegments } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { type Operation, isEnded } from "../agent/protocol/operation.js";
import { range } from "../plan/say.js";
import type { Plan } from "../plan/types.js";
import { pushEpochs } from "./admit.js";
import { ask, entriesOn, partsWithin } from "./ask.js";
import { backoff } from "./clock.js";
import { type RunContext, type ShardContext, authorityFor, keyspaceScope } from "./context.js";
import { Interrupted, PEER_UNREACHABLE, StepFailure, failure, runError } from "./failure.js";
import { operationId } from "./operation.js";
import { type RunEnvironment, shardPlanOf, withRun } from "./session.js";

/** One copy that was compared with what it follows. */
export interface VerifiedCopy extends Segment {
  readonly keyspace: string;
  readonly node: string;
  readonly source: string;
  /** Null when the copies are equal. */
  readonly difference: string | null;
  readonly rows: number | null;
  readonly bytes: number | null;
}

/**
 * Compares every copy that the run made, and every old one that still follows, with its source, now. Changes no data; takes
 * the run's locks, because agents compare on behalf of a lock's holder only.
 * @throws OpsError when an agent cannot be asked
 */
export async function verifyRun(env: RunEnvironment, run: string): Promise<VerifiedCopy[]> {
  const plan = await shardPlanOf(env.store, run);
  return withRun(env, run, plan, async (context) => {
    try {
      const copies = await copiesOf(context);
      await pushEpochs(
        context,
        copies.map(({ node }) => node),
      );
      const verified: VerifiedCopy[] = [];
      // One after the other: digests read both sides whole.
      for (const copy of copies) {
        const { keyspace, node } = copy;
        context.emit({
          type: "progress",
          step: "verify",
          what: `${range({ keyspace, segments: [copy] })} on ${node}`,
          like: `${keyspace} on ${node}`,
          phase: "comparing",
          done: verified.length,
          total: copies.length,
          unit: "copies",
        });
        verified.push(await compare(context, copy));
      }
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

type Copy = Pick<VerifiedCopy, "keyspace" | "node" | "source" | "lo" | "hi">;

/** Followers among the nodes that got a copy or handed over their writes. */
async function copiesOf(context: ShardContext): Promise<Copy[]> {
  const copies: Copy[] = [];
  for (const { keyspace, segments, node } of placesOf(context.plan)) {
    const entries = await entriesOn(context, null, node, keyspace, segments);
    for (const { part, entry } of partsWithin(entries, segments)) {
      if (entry.role === "follower" && entry.source !== null)
        copies.push({ keyspace, node, source: entry.source.node, ...part });
    }
  }
  return copies;
}

/** What each node got a copy of or handed over, as the plan cut it. */
function placesOf(plan: Plan) {
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

async function compare(context: RunContext, copy: Copy): Promise<VerifiedCopy> {
  const { clock, patience, stop, emit } = context;
  const { keyspace, node, lo, hi } = copy;
  const what = `compare ${keyspace} [${lo}, ${hi}) with ${copy.source}`;
  const until = clock.now() + patience.reconnectMs;
  for (let tries = 1; ; tries += 1) {
    const { state, result, error } = await compareOnce(context, copy, what, tries);
    if (state === "succeeded") {
      const [rows, bytes] = [numberOr(result?.["rows"]), numberOr(result?.["bytes"])];
      return { ...copy, difference: null, rows, bytes };
    }
    const { code, message } = error ?? { code: state, message: "it was cancelled" };
    if (code === "digest-mismatch")
      return { ...copy, difference: message, rows: null, bytes: null };
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
  { keyspace, node, lo, hi }: Copy,
  what: string,
  tries: number,
): Promise<Operation> {
  const { run, stop, patience } = context;
  const authority = authorityFor(context, keyspaceScope(keyspace));
  const segment = `${keyspace} ${lo} ${hi} ${authority.epoch}`;
  const id = operationId(run, "verify", segment, node, tries);
  const put = () =>
    ask(context, null, node, what, (agent) =>
      agent.putOperation(id, { kind: "verify", keyspace, lo, hi }, authority),
    );
  let last: Operation = await put();
  for (let restarts = 0; !isEnded(last.state) || last.state === "interrupted";) {
    if (stop.stopping.aborted || stop.detached.aborted) throw new Interrupted("stopping");
    const next = await ask(context, null, node, what, (agent) =>
      agent.waitOperation(id, last.rev, Math.min(2_000, patience.pollMs)),
    );
    if (next !== null && next.state !== "interrupted") last = next;
    else if (++restarts <= patience.identicalErrors) last = await put();
    else throw new StepFailure(failure("interrupted", `${node}: its agent does not stay up`));
  }
  return last;
}

function numberOr(value: unknown): number | null {
  const number = typeof value === "string" || typeof value === "number" ? Number(value) : NaN;
  return Number.isFinite(number) ? number : null;
}
