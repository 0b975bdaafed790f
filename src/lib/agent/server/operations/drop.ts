import { setTimeout as sleep } from "node:timers/promises";
import type { Txn } from "../../../engines/contract.js";
import { contains } from "../../../keyspace/map.js";
import { mayDrop } from "../../../ownership/permissions.js";
import type { Reign } from "../../../ownership/types.js";
import { AgentProblem } from "../../client/problem.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Holding, Holdings } from "../holdings.js";
import type { Context, Kind, RequestOf } from "./context.js";
import { peerProblem } from "./peer-problem.js";

const ASK_MS = 3_000;
const REPORT_MS = 500;

/** Deletes a copy and its link, once a primary elsewhere has said that it reigns. All parts of it, or none. */
export const drop: Kind<"drop"> = async (context, request, task) => {
  const { keyspace, lo, hi } = request;
  const { engine, holdings, drops } = context;
  const parts = await partsOf(holdings, request);
  const reigns = new Map<Holding, Reign | ProblemError>();
  await Promise.all(
    parts.map(async (part) => void reigns.set(part, await reignOver(context, part))),
  );
  task.signal.throwIfAborted();
  const marked: Holding[] = [];
  try {
    await engine.write((txn) => {
      for (const part of parts)
        check(txn, holdings.isCurrent(part), request, part, reigns.get(part)!);
      for (const part of parts) {
        part.ending = true;
        marked.push(part);
        txn.deleteEntry(keyspace, part.entry);
        txn.startDrop(`${task.id}/${part.lo}`, keyspace, part.entry);
      }
    });
  } catch (error) {
    // Only those marked here: another one may be ending for a reason of its own.
    for (const part of marked) part.ending = false;
    throw error;
  }
  holdings.refresh();
  // Also those of an earlier drop that was cancelled: the range is free only when all have ended.
  const ids = drops.overlapping(keyspace, lo, hi);
  const finished = drops.finish(ids);
  const ended = finished.then(() => true);
  while (!(await Promise.race([ended, sleep(REPORT_MS, false, { signal: task.signal })]))) {
    task.report("deleting", { done: drops.removed(ids), total: null, unit: "rows", rate: null });
  }
  return { rows: await finished };
};

/** What the node holds of the segment; a part of a wider entry is cut off first. */
async function partsOf(
  holdings: Holdings,
  { keyspace, lo, hi }: RequestOf<"drop">,
): Promise<Holding[]> {
  const isWider = (one: Holding) => !contains({ lo, hi }, one);
  return holdings.overlapping(keyspace, lo, hi).some(isWider)
    ? holdings.cut(keyspace, lo, hi, (found) => found)
    : holdings.exactlyOrNone(keyspace, lo, hi);
}

/** Throws `not-droppable`, or why nobody was found who reigns. */
function check(
  txn: Txn,
  current: boolean,
  { link, generation }: RequestOf<"drop">,
  part: Holding,
  reign: Reign | ProblemError,
): void {
  const where = `${part.keyspace} [${part.lo}, ${part.hi})`;
  const entry = txn.entry(part.keyspace, part.entry);
  if (entry === null || !current) throw notDroppable(`${where} is being cut or dropped`, true);
  const { durable, phase } = part.state;
  if (durable.generation > generation) {
    throw notDroppable(`${where} is at generation ${durable.generation}, later than ${generation}`);
  }
  if (link !== null && entry.link?.id !== link) {
    throw notDroppable(`${where} has the link ${entry.link?.id ?? "(none)"}, not ${link}`);
  }
  if (durable.role !== "follower" || phase.kind !== "idle") {
    throw notDroppable(`${where} is ${durable.role}, ${phase.kind}`);
  }
  if (reign instanceof ProblemError) throw reign;
  if (mayDrop(part.state, reign)) return;
  throw notDroppable(`${reign.node} reigns over ${where} at an older generation`, true);
}

/** Asks along the link and the routes who reigns over the segment now; else why nobody was found. */
async function reignOver({ peers, routes }: Context, part: Holding): Promise<Reign | ProblemError> {
  const { keyspace, lo, hi } = part;
  const writer = routes.segmentAt(keyspace, lo)?.writer ?? null;
  const asked = new Map<string, string>();
  const source = part.entry.link?.source ?? null;
  if (source !== null) asked.set(source.url, source.node);
  const url = writer === null ? null : routes.urlOf(writer);
  if (writer !== null && url !== null) asked.set(url, writer);
  let silent: ProblemError | null = null;
  for (const [at, node] of asked) {
    try {
      const reign = await peers.reign(at, { keyspace, lo, hi }, ASK_MS);
      if (reign !== null) return reign;
    } catch (error) {
      if (!(error instanceof AgentProblem)) throw error;
      silent = peerProblem(node, error);
    }
  }
  const where = `${keyspace} [${lo}, ${hi})`;
  return (
    silent ??
    notDroppable(`nobody who reigns over ${where} was found: this may be the only copy`, true)
  );
}

function notDroppable(detail: string, retryable = false): ProblemError {
  return new ProblemError(409, "not-droppable", detail, {
    retryable,
    hint: "See who holds what with `ops agent status`.",
  });
}
