import { once } from "node:events";
import type { Writable } from "node:stream";
import { setImmediate as breathe } from "node:timers/promises";
import type { Engine, Place, View } from "../../engines/contract.js";
import { startOfChanges } from "../../engines/log-position.js";
import { readable } from "../../ownership/copy.js";
import { ORIGIN } from "../../ownership/position.js";
import type { LogPosition } from "../../ownership/types.js";
import { encodeFrame, encodeRows } from "../protocol/frame-writer.js";
import type { DigestRequest, SnapshotRequest } from "../protocol/peer.js";
import { encodeJson } from "../protocol/json.js";
import { ProblemError } from "../protocol/problem.js";
import type { Retention } from "./retention.js";
import type { Windows } from "./windows.js";

const SCAN = { rows: 2_000, bytes: 256 * 1024 };
/**
 * A pinned read transaction stops page reuse, and a store that grows is slow to flush: with pages of 2 s the source's clients
 * waited three times as long as with these. So a page of a snapshot ends by itself.
 */
const PAGE = { ms: 60, bytes: 32 * 1024 * 1024 };

export interface SnapshotDeps {
  readonly engine: Engine;
  readonly retention: Retention;
  readonly windows: Windows;
}

/** The position of the whole of `[lo, hi)` in the view. Throws `not-held` or `not-readable`. */
function positionIn(view: View, ask: { keyspace: string; lo: bigint; hi: bigint }): LogPosition {
  const entry = view.entryAt(ask.keyspace, ask.lo);
  const where = `${ask.keyspace} [${ask.lo}, ${ask.hi})`;
  if (entry === null) {
    throw new ProblemError(409, "not-held", `this node does not hold ${where}`, {
      retryable: true,
    });
  }
  if (entry.hi < ask.hi) {
    throw new ProblemError(409, "split", `this node holds ${where} in parts`, {
      retryable: true,
      splitAt: entry.hi.toString(),
    });
  }
  const cursor = view.cursor(entry.keyspace, entry.lo) ?? ORIGIN;
  if (entry.link !== null && !readable(entry.link.copy, cursor)) {
    throw new ProblemError(409, "not-readable", `the copy of ${where} here is not complete`, {
      retryable: true,
    });
  }
  return cursor;
}

/** Sends one page of rows after `ask.after`, all of one read transaction. Throws `ProblemError` before the first byte only. */
export async function sendSnapshot(
  deps: SnapshotDeps,
  ask: SnapshotRequest,
  open: () => Writable,
  signal: AbortSignal,
): Promise<void> {
  const { engine, retention } = deps;
  const follower = `${ask.node}/${ask.keyspace}/${ask.lo}`;
  const view = engine.read();
  try {
    const at = positionIn(view, ask);
    const entry = view.entryAt(ask.keyspace, ask.lo);
    const from = ask.first === null || entry === null ? null : startOfChanges(entry, ask.first);
    // Also after a restart of this process, which has forgotten what it held before.
    retention.hold(follower, from ?? view.lastSequence, ask.first === null);
    const out = open();
    out.write(encodeFrame({ type: "pinned", at }));
    const until = performance.now() + PAGE.ms;
    let after: Place | null = ask.after;
    let sent = 0;
    let complete = false;
    while (!complete && sent < PAGE.bytes && performance.now() < until) {
      const page = view.scan(ask.keyspace, ask, after, SCAN);
      complete = page.done;
      after = page.rows.at(-1)?.place ?? after;
      const frames = encodeRows(page.rows);
      sent += frames.length;
      if (out.write(frames)) await breathe(undefined, { signal });
      else if (!(await drained(out, until - performance.now(), signal))) break;
    }
    out.end(encodeFrame({ type: "page-end", complete }));
  } finally {
    view.close();
  }
}

/** Whether the follower has read on within `ms`: a slow one must not keep the read transaction pinned. */
async function drained(out: Writable, ms: number, signal: AbortSignal): Promise<boolean> {
  const patience = AbortSignal.timeout(Math.max(1, Math.round(ms)));
  try {
    await once(out, "drain", { signal: AbortSignal.any([signal, patience]) });
    return true;
  } catch (error) {
    if (signal.aborted || !patience.aborted) throw error;
    return false;
  }
}

/** Sends the position at which a read transaction is pinned as soon as it is, and then the digest of what it shows. */
export async function sendDigest(
  deps: SnapshotDeps,
  ask: DigestRequest,
  open: () => Writable,
): Promise<void> {
  const view = deps.engine.read();
  try {
    const position = positionIn(view, ask);
    deps.windows.cut(ask.keyspace, view.lastSequence);
    const out = open();
    out.write(`${encodeJson({ position, head: view.lastSequence })}\n`);
    const { rows, bytes, digest, next } = await view.digest(
      ask.keyspace,
      ask,
      ask.after,
      ask.maxRows,
    );
    out.end(`${encodeJson({ rows, bytes, digest, next: next?.toString("base64") ?? null })}\n`);
  } finally {
    view.close();
  }
}
