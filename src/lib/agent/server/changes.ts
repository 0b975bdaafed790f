import { once } from "node:events";
import type { Writable } from "node:stream";
import { setImmediate as breathe } from "node:timers/promises";
import type { Engine } from "../../engines/contract.js";
import { startOfChanges } from "../../engines/log-position.js";
import { positionOf } from "../../engines/place.js";
import { logReaches, readable } from "../../ownership/copy.js";
import { comparePositions, ORIGIN } from "../../ownership/position.js";
import type { LogPosition } from "../../ownership/types.js";
import { encodeFrame, type Frame } from "../protocol/frames.js";
import type { ChangesRequest } from "../protocol/peer.js";
import type { Holdings } from "./holdings.js";
import type { Retention } from "./retention.js";

const PAGE = { records: 4_000, bytes: 512 * 1024 };
/** A progress frame at least this often, also on an idle stream. */
const HEARTBEAT_MS = 200;

export interface ChangesDeps {
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly retention: Retention;
}

/** One segment of a stream. */
interface Lane {
  readonly index: number;
  readonly lo: bigint;
  readonly hi: bigint;
  /** What it was opened on. */
  origin: object | null;
  /** The last position that was sent, or asked for. */
  cursor: LogPosition;
  /** Nothing more comes on it: the follower has been told why. */
  ended: boolean;
}

/**
 * Sends the changes of several segments from this node's log, in its order, for as long as the follower listens. Only what is
 * flushed is sent. A segment is in one entry for as long as it is served: after a split the follower is told to split too.
 */
export async function sendChanges(
  deps: ChangesDeps,
  ask: ChangesRequest,
  out: Writable,
  signal: AbortSignal,
): Promise<void> {
  const { engine, retention } = deps;
  const follower = `${ask.node}/${ask.keyspace}`;
  const lanes = ask.segments
    .map(({ lo, hi, from }, index): Lane => ({
      index,
      lo,
      hi,
      origin: null,
      cursor: from,
      ended: false,
    }))
    .toSorted((a, b) => (a.lo < b.lo ? -1 : 1));

  const opening: Frame[] = [];
  let sequence = engine.log().last;
  for (const lane of lanes) {
    const start = open(deps, ask, lane, opening);
    if (start !== null && start < sequence) sequence = start;
  }
  retention.hold(follower, sequence, true);

  const wake = waker(engine, signal);
  try {
    await send(out, opening, signal);
    for (;;) {
      const ends = endLanes(deps, ask.keyspace, lanes);
      const view = engine.read();
      let page;
      const { lastSequence } = view;
      try {
        page = view.changes(sequence, null, PAGE);
      } finally {
        view.close();
      }
      const frames: Frame[] = [...ends];
      for (const change of page.changes) {
        if (change.keyspace !== ask.keyspace) continue;
        const lane = laneAt(lanes, positionOf(change.place));
        if (lane === null || lane.ended || comparePositions(change.at, lane.cursor) <= 0) continue;
        const { place, value, at } = change;
        frames.push({ type: "change", segment: lane.index, prev: lane.cursor, at, place, value });
        lane.cursor = at;
      }
      sequence = page.through;
      frames.push({ type: "progress", sent: sequence, head: lastSequence });
      await send(out, frames, signal);
      retention.renew(follower);
      if (sequence === lastSequence) await wake.next(sequence);
      else await breathe();
    }
  } finally {
    wake.close();
  }
}

/** Where in this node's log the lane begins, or null when it cannot be served; what the follower must be told goes to `tell`. */
function open(
  { engine, holdings }: ChangesDeps,
  ask: ChangesRequest,
  lane: Lane,
  tell: Frame[],
): bigint | null {
  const segment = lane.index;
  const holding = holdings.at(ask.keyspace, lane.lo);
  if (holding === null) return end(lane, tell, { type: "unserved", segment, reason: "not-held" });
  const { entry, state } = holding;
  lane.origin = holding.origin;
  const cursor = engine.cursor(entry.keyspace, entry.lo) ?? ORIGIN;
  const { handed } = state.durable;
  if (handed !== null && handed.to === ask.node) tell.push({ type: "offer", segment, handed });
  if (entry.link !== null && !readable(entry.link.copy, cursor)) {
    return end(lane, tell, { type: "unserved", segment, reason: "not-readable" });
  }
  if (comparePositions(lane.cursor, cursor) > 0) {
    return end(lane, tell, { type: "unserved", segment, reason: "ahead" });
  }
  const start = startOfChanges(entry, lane.cursor);
  if (start === null) return end(lane, tell, { type: "unserved", segment, reason: "trimmed" });
  return start;
}

function end(lane: Lane, tell: Frame[], frame: Frame): null {
  lane.ended = true;
  tell.push(frame);
  return null;
}

/**
 * Ends the lanes that cannot go on. In parts: what was sent so far is of the whole, what follows would be of parts. Copied anew
 * here: what came by the new snapshot is not in the log.
 */
function endLanes({ holdings }: ChangesDeps, keyspace: string, lanes: readonly Lane[]): Frame[] {
  const frames: Frame[] = [];
  for (const lane of lanes) {
    if (lane.ended) continue;
    const segment = lane.index;
    const holding = holdings.at(keyspace, lane.lo);
    if (holding === null || holding.origin !== lane.origin) {
      end(lane, frames, { type: "unserved", segment, reason: "not-held" });
    } else if (holding.entry.link?.copy.phase === "copying") {
      end(lane, frames, { type: "unserved", segment, reason: "not-readable" });
    } else if (!logReaches(holding.entry.floor, lane.cursor)) {
      end(lane, frames, { type: "unserved", segment, reason: "trimmed" });
    } else if (holding.hi < lane.hi) {
      end(lane, frames, { type: "split", segment, at: holding.hi });
    }
  }
  return frames;
}

function laneAt(lanes: readonly Lane[], position: bigint): Lane | null {
  let low = 0;
  let high = lanes.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const lane = lanes[middle]!;
    if (position < lane.lo) high = middle - 1;
    else if (position >= lane.hi) low = middle + 1;
    else return lane;
  }
  return null;
}

async function send(out: Writable, frames: readonly Frame[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (frames.length === 0) return;
  if (!out.write(Buffer.concat(frames.map(encodeFrame)))) await once(out, "drain", { signal });
}

/** Waits for the log to grow, at most a heartbeat. */
function waker(engine: Engine, signal: AbortSignal) {
  let last = engine.log().last;
  let wake: (() => void) | null = null;
  const stop = engine.onCommit((sequence) => {
    last = sequence;
    wake?.();
  });
  return {
    async next(sent: bigint): Promise<void> {
      signal.throwIfAborted();
      if (last > sent) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, HEARTBEAT_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener("abort", wake, { once: true });
      }).finally(() => {
        if (wake !== null) signal.removeEventListener("abort", wake);
        wake = null;
      });
      signal.throwIfAborted();
    },
    close: stop,
  };
}
