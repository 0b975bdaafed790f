import { setTimeout as sleep } from "node:timers/promises";
import type { Place } from "../../../engines/contract.js";
import { keyOf } from "../../../engines/place.js";
import { formatPosition } from "../../../ownership/position.js";
import type { LogPosition } from "../../../ownership/types.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Holding } from "../holdings.js";
import type { Task } from "../operations.js";
import type { Context, Kind } from "./context.js";

/** Rows of one digest. Both sides pin a read transaction for the time it takes. */
const CHUNK_ROWS = 100_000;
const TRIES = 50;

interface Chunk {
  readonly rows: number;
  readonly bytes: number;
  readonly next: Place | null;
  readonly position: LogPosition;
}

/** Compares each copy with its source, chunk by chunk, at the same position on both sides. */
export const verify: Kind<"verify"> = async (context, { keyspace, lo, hi }, task) => {
  let [rows, bytes, chunks] = [0, 0, 0];
  let position: LogPosition | null = null;
  const began = performance.now();
  for (const holding of context.holdings.exactly(keyspace, lo, hi)) {
    const link = holding.entry.link;
    if (link === null)
      throw new ProblemError(
        409,
        "no-link",
        `${keyspace} [${holding.lo}, ${holding.hi}) follows nobody here`,
      );
    for (let after: Place | null = null; ;) {
      const chunk: Chunk = await compare(context, holding, after, task);
      rows += chunk.rows;
      bytes += chunk.bytes;
      chunks += 1;
      ({ next: after, position } = chunk);
      const rate = rows / Math.max(0.001, (performance.now() - began) / 1000);
      task.report("comparing", { done: rows, total: null, unit: "rows", rate });
      if (after === null) break;
    }
    await context.engine.write((txn) => {
      const entry = txn.entry(keyspace, holding.entry);
      if (entry?.link?.id !== link.id)
        throw new ProblemError(409, "link-changed", "the link was replaced during the comparison");
      txn.putEntry({ ...entry, link: { ...entry.link, verified: true } });
    });
    context.holdings.refresh();
  }
  return { rows, bytes, chunks, position: position === null ? null : formatPosition(position) };
};

async function compare(
  { links, peers }: Context,
  holding: Holding,
  after: Place | null,
  { signal }: Task,
): Promise<Chunk> {
  const { keyspace, lo, hi } = holding;
  for (let left = TRIES; ; left -= 1) {
    signal.throwIfAborted();
    const link = holding.entry.link;
    const feed = links.feedOf(holding);
    if (link === null || feed === null)
      throw new ProblemError(409, "not-streaming", `${keyspace} [${lo}, ${hi}) is not streaming`, {
        retryable: true,
      });
    const ask = { keyspace, lo, hi, after, maxRows: CHUNK_ROWS };
    const theirs: { answer: Awaited<ReturnType<typeof peers.digest>> | null } = { answer: null };
    const patience = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
    try {
      const view = await feed.pinAt(
        holding,
        async () => {
          theirs.answer = await peers.digest(link.source.url, ask, signal);
          return theirs.answer.pinned.position;
        },
        patience,
      );
      const source = theirs.answer;
      if (view !== null && source !== null) {
        try {
          const [mine, other] = await Promise.all([
            view.digest(keyspace, { lo, hi }, after, CHUNK_ROWS),
            source.digest(),
          ]);
          if (mine.rows !== other.rows || mine.digest !== other.digest) {
            throw mismatch(holding, after, mine.rows, other.rows);
          }
          return {
            rows: mine.rows,
            bytes: mine.bytes,
            next: mine.next,
            position: source.pinned.position,
          };
        } finally {
          view.close();
        }
      }
    } catch (error) {
      theirs.answer?.abandon();
      if (error instanceof ProblemError || signal.aborted || left <= 1) throw error;
    }
    if (left <= 1)
      throw new ProblemError(
        409,
        "not-aligned",
        `${keyspace} [${lo}, ${hi}) never stood where its source stood`,
        { retryable: true },
      );
    await sleep(20, undefined, { signal });
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
