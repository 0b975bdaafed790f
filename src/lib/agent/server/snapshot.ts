import { once } from "node:events";
import type { Writable } from "node:stream";
import { setImmediate as breathe } from "node:timers/promises";
import type { Engine, Place, View } from "../../engines/contract.js";
import { readable } from "../../ownership/copy.js";
import { ORIGIN } from "../../ownership/position.js";
import type { LogPosition } from "../../ownership/types.js";
import { encodeFrame, encodeRows } from "../protocol/frames.js";
import type { DigestRequest, SnapshotRequest } from "../protocol/peer.js";
import { encodeJson } from "../protocol/json.js";
import { ProblemError } from "../protocol/problem.js";
import type { Retention } from "./retention.js";

const SCAN = { rows: 2_000, bytes: 256 * 1024 };
/** A pinned read transaction stops page reuse, so a page of a snapshot ends by itself. */
const PAGE = { ms: 2_000, bytes: 32 * 1024 * 1024 };

export interface SnapshotDeps {
  readonly engine: Engine;
  readonly retention: Retention;
}

/** The position of the whole of `[lo, hi)` in the view. Throws `not-held` or `not-readable`. */
function positionIn(view: View, ask: { keyspace: string; lo: bigint; hi: bigint }): LogPosition {
  const entry = view.entryAt(ask.keyspace, ask.lo);
  const where = `${ask.keyspace} [${ask.lo}, ${ask.hi})`;
  if (entry === null || entry.hi < ask.hi) {
    throw new ProblemError(409, "not-held", `this node does not hold ${where} in one entry`, {
      retryable: true,
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
    if (ask.first === null) retention.hold(follower, view.lastSequence, true);
    else retention.renew(follower);
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
      if (!out.write(frames)) await once(out, "drain", { signal });
      else await breathe(undefined, { signal });
    }
    out.end(encodeFrame({ type: "page-end", complete }));
  } finally {
    view.close();
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
