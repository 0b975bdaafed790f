import { setTimeout as sleep } from "node:timers/promises";
import type { Place, View } from "../../../engines/contract.js";
import { keyOf } from "../../../engines/place.js";
import type { Segment } from "../../../keyspace/segment.js";
import { formatPosition } from "../../../ownership/position.js";
import type { LogPosition } from "../../../ownership/types.js";
import { AgentProblem } from "../../client/problem.js";
import { segmentsOf } from "../../protocol/operation.js";
import { ProblemError } from "../../protocol/problem.js";
import { Backoff } from "../backoff.js";
import type { Holding } from "../holdings.js";
import type { Task } from "../operations.js";
import type { Context, Kind } from "./context.js";
import { peerProblem } from "./peer-problem.js";

/** Rows of one digest. Both sides pin a read transaction for the time it takes. */
const CHUNK_ROWS = 100_000;
const TRIES = 50;
/** Copies that were found equal are marked together: a flush for each would take longer than to compare a small one. */
const MARKED_AT_ONCE = 100;
const MARK_EVERY_MS = 500;
const RETRY_MS = { first: 20, most: 500 };
/** A source that does not answer is waited for, in the middle of a comparison: long enough for a restart. */
const SILENCE_MS = 15_000;
/** For the source to pin its read transaction, and for this copy to come to the same position. */
const PIN_MS = 10_000;

interface Chunk {
  readonly rows: number;
  readonly bytes: number;
  readonly next: Place | null;
  readonly position: LogPosition;
}

/** Compares each copy with its source, chunk by chunk, at the same position on both sides. */
export const verify: Kind<"verify"> = async (context, request, task) => {
  const { keyspace } = request;
  const segments = segmentsOf(request);
  // What is found equal is an entry: a part of one is cut off first.
  for (const { lo, hi } of segments) await context.holdings.cut(keyspace, lo, hi, () => undefined);
  let [rows, bytes, chunks] = [0, 0, 0];
  let position: LogPosition | null = null;
  const began = performance.now();
  const count = (chunk: Chunk) => {
    rows += chunk.rows;
    bytes += chunk.bytes;
    chunks += 1;
    position = chunk.position;
    const rate = rows / Math.max(0.001, (performance.now() - began) / 1000);
    task.report("comparing", { done: rows, total: null, unit: "rows", rate });
  };
  const left = segments.map((segment): Left => ({ ...segment, tries: TRIES }));
  const equal: Compared[] = [];
  try {
    for (let due = began; left.length > 0;) {
      task.signal.throwIfAborted();
      await compareFirst(context, keyspace, left, equal, task, count);
      if (left.length > 0 && equal.length < MARKED_AT_ONCE && performance.now() < due) continue;
      due = performance.now() + MARK_EVERY_MS;
      left.push(...(await markEqual(context, equal.splice(0))));
    }
  } catch (error) {
    // What was found equal before stays so.
    await mark(context, equal, true);
    throw error;
  }
  return { rows, bytes, chunks, position: position === null ? null : formatPosition(position) };
};

/** What is still to be compared. */
interface Left extends Segment {
  readonly tries: number;
}

/** A copy that was compared, by which link it was made then, and how often anew. */
interface Compared {
  readonly holding: Holding;
  readonly link: string | undefined;
  readonly restarts: number;
  readonly tries: number;
}

/** Compares the copy in which the first segment begins, and takes it off the list; the rest of a segment that goes on behind it stays. */
async function compareFirst(
  context: Context,
  keyspace: string,
  left: Left[],
  equal: Compared[],
  task: Task,
  count: (chunk: Chunk) => void,
): Promise<void> {
  const { holdings } = context;
  const { lo, hi, tries } = left.shift()!;
  const holding = holdings.at(keyspace, lo);
  if (holding === null) throw changed(keyspace, lo, hi);
  const { restarts } = holding.link;
  const compared = { holding, link: holding.entry.link?.id, restarts, tries };
  try {
    for (let after: Place | null = null; ;) {
      const chunk: Chunk = await compare(context, holding, after, task);
      count(chunk);
      after = chunk.next;
      if (after === null) break;
    }
    // The chunks before it are of a copy that is gone.
    if (holding.link.restarts !== restarts) throw changed(keyspace, holding.lo, holding.hi);
  } catch (error) {
    const differs = error instanceof ProblemError && error.problem.code === "digest-mismatch";
    // It may have been found equal before: that is over, and nobody may promote it.
    if (differs) await mark(context, [compared], false);
    // A copy may be cut while it is compared: then its parts are.
    if (holdings.isCurrent(holding) || tries <= 1) throw error;
    left.unshift({ lo, hi, tries: tries - 1 });
    return;
  }
  equal.push(compared);
  if (holding.hi < hi) left.unshift({ lo: holding.hi, hi, tries });
}

/** Stores that they are equal. Those that were cut meanwhile are to be compared again. Throws `link-changed`. */
async function markEqual(context: Context, equal: readonly Compared[]): Promise<Left[]> {
  const others = await mark(context, equal, true);
  return others.map(({ holding, tries }) => {
    const { keyspace, lo, hi } = holding;
    if (context.holdings.isCurrent(holding) || tries <= 1) throw changed(keyspace, lo, hi);
    return { lo, hi, tries: tries - 1 };
  });
}

/** Stores what the comparison found, all in one transaction. Returns those that are not what was compared any more. */
async function mark(
  { engine, holdings }: Context,
  compared: readonly Compared[],
  verified: boolean,
): Promise<Compared[]> {
  const others = await engine.write((txn) =>
    compared.filter(({ holding, link, restarts }) => {
      const entry = txn.entry(holding.keyspace, holding.entry);
      if (entry === null || entry.link === null || entry.link.id !== link) return true;
      // Being copied anew, or so since, which keeps the link.
      const { phase } = entry.link.copy;
      if (verified && (phase !== "streaming" || holding.link.restarts !== restarts)) return true;
      txn.putEntry({ ...entry, link: { ...entry.link, verified } });
      return false;
    }),
  );
  // Nobody else goes by it: a refresh would look at all the others for each.
  for (const { holding } of compared) holdings.renew(holding);
  return others;
}

function changed(keyspace: string, lo: bigint, hi: bigint): ProblemError {
  return new ProblemError(
    409,
    "link-changed",
    `the copy of ${keyspace} [${lo}, ${hi}) was replaced meanwhile`,
    {
      retryable: true,
    },
  );
}

async function compare(
  context: Context,
  holding: Holding,
  after: Place | null,
  task: Task,
): Promise<Chunk> {
  const { keyspace, lo, hi } = holding;
  const { signal } = task;
  const retries = new Backoff(RETRY_MS);
  let silentSince: number | null = null;
  for (let left = TRIES; left > 0;) {
    signal.throwIfAborted();
    if (!context.holdings.isCurrent(holding)) throw changed(keyspace, lo, hi);
    try {
      const chunk = await compareOnce(context, holding, after, signal);
      if (chunk !== null) return chunk;
      left -= 1;
      silentSince = null;
      retries.reset();
    } catch (error) {
      if (!(error instanceof AgentProblem) || signal.aborted) throw error;
      const source = holding.entry.link?.source.node ?? "the source";
      silentSince ??= performance.now();
      if (performance.now() - silentSince > SILENCE_MS) throw peerProblem(source, error);
      task.report(`waiting for ${source}`);
    }
    await sleep(retries.next(), undefined, { signal });
  }
  throw new ProblemError(
    409,
    "not-aligned",
    `${keyspace} [${lo}, ${hi}) never stood where its source stood`,
    { retryable: true },
  );
}

/** Null when this copy was already past where its source stood, or did not come there in time. Throws `AgentProblem`. */
async function compareOnce(
  { links, peers, holdings }: Context,
  holding: Holding,
  after: Place | null,
  signal: AbortSignal,
): Promise<Chunk | null> {
  const { keyspace, lo, hi } = holding;
  const link = holding.entry.link;
  const feed = links.feedOf(holding);
  if (link === null || feed === null) {
    throw new ProblemError(409, "not-streaming", `${keyspace} [${lo}, ${hi}) is not streaming`, {
      retryable: true,
    });
  }
  const ask = { keyspace, lo, hi, after, maxRows: CHUNK_ROWS };
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PIN_MS)]);
  let source: Awaited<ReturnType<typeof peers.digest>> | null = null;
  let view: View | null = null;
  try {
    const pin = async () => {
      source = await peers.digest(link.source.url, ask, patience);
      return source.pinned;
    };
    view = await feed.pinAt(holding, pin, patience);
    // Narrowing does not see the assignment inside `pin`.
    const other = source as Awaited<ReturnType<typeof peers.digest>> | null;
    if (view === null || other === null) return null;
    const [mine, theirs] = await Promise.all([
      view.digest(keyspace, { lo, hi }, after, CHUNK_ROWS),
      other.digest(),
    ]);
    if (mine.rows !== theirs.rows || mine.digest !== theirs.digest) {
      throw mismatch(holding, after, mine.rows, theirs.rows);
    }
    const { rows, bytes, next } = mine;
    return { rows, bytes, next, position: other.pinned.position };
  } catch (error) {
    const at = error instanceof AgentProblem ? error.problem?.splitAt : undefined;
    if (at !== undefined) await holdings.cut(keyspace, lo, BigInt(at), () => undefined);
    const isTold = error instanceof AgentProblem || error instanceof ProblemError;
    if (!isTold && patience.aborted && !signal.aborted) return null;
    throw error;
  } finally {
    (source as { abandon: () => void } | null)?.abandon();
    view?.close();
  }
}

function mismatch(
  holding: Holding,
  after: Place | null,
  mine: number,
  theirs: number,
): ProblemError {
  const from = after === null ? "its start" : `key ${keyOf(after)}`;
  return new ProblemError(
    409,
    "digest-mismatch",
    `${holding.keyspace} [${holding.lo}, ${holding.hi}) differs from ${holding.entry.link?.source.node ?? "nobody"} in the chunk after ${from}: ${mine} rows here, ${theirs} there`,
    { hint: "Do not promote this copy. Roll the run back: that drops it." },
  );
}
