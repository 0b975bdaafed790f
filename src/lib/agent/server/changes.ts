import { once } from "node:events";
import type { Writable } from "node:stream";
import { setImmediate as breathe } from "node:timers/promises";
import type { Engine } from "../../engines/contract.js";
import { positionOf } from "../../engines/place.js";
import { comparePositions } from "../../ownership/position.js";
import { encodeFrame, type Frame } from "../protocol/frames.js";
import type { ChangesRequest } from "../protocol/peer.js";
import type { Holdings } from "./holdings.js";
import { endLanes, type Lane, laneAt, lanesOf, moveLanes, openLane, staleLanes } from "./lanes.js";
import type { Retention } from "./retention.js";

const PAGE = { records: 4_000, bytes: 512 * 1024 };
/** So often every lane is looked at after an entry has changed: the first view after it may be of a commit before. */
const LOOKS = 2;
/** A progress frame at least this often, also on an idle stream. */
const HEARTBEAT_MS = 200;

export interface ChangesDeps {
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly retention: Retention;
}

/**
 * Sends the changes of several segments from this node's log, in its order, for as long as the follower listens. Only what is
 * flushed is sent. Everything that is sent together is of one read transaction.
 */
export async function sendChanges(
  deps: ChangesDeps,
  ask: ChangesRequest,
  out: Writable,
  signal: AbortSignal,
): Promise<void> {
  const { engine, holdings, retention } = deps;
  const follower = `${ask.node}/${ask.keyspace}`;
  const lanes = lanesOf(ask);
  const wake = waker(deps, signal);
  try {
    const opening: Frame[] = [];
    let sequence = openAll(deps, ask, lanes, opening);
    retention.hold(follower, sequence, true);
    await send(out, opening, signal);
    for (let looks = LOOKS; ;) {
      wake.reset();
      if (wake.entriesChanged() || engine.log().first > sequence + 1n) looks = LOOKS;
      const page = readPage(deps, ask.keyspace, lanes, sequence, looks > 0);
      sequence = page.through;
      if (sequence === page.head && looks > 0) looks -= 1;
      const progress = (): Frame => ({
        type: "progress",
        sent: sequence,
        head: page.head,
        stale: staleLanes(holdings, ask.keyspace, lanes),
      });
      await send(out, [...page.frames, progress()], signal);
      retention.renew(follower);
      // A view may be newer or older than what the engine has told of; without this turn they would never meet.
      await breathe();
      if (sequence < page.head || looks > 0) continue;
      // Nothing to read again while nothing happens; but a copy's position may move without its log.
      const isCopy = () => staleLanes(holdings, ask.keyspace, lanes).length > 0;
      while (engine.log().last <= sequence && !(await wake.next()) && !isCopy()) {
        await send(out, [progress()], signal);
        retention.renew(follower);
      }
    }
  } finally {
    wake.close();
  }
}

/** The sequence to read from. */
function openAll(
  { engine, holdings }: ChangesDeps,
  ask: ChangesRequest,
  lanes: readonly Lane[],
  tell: Frame[],
): bigint {
  const view = engine.read();
  try {
    let sequence = view.lastSequence;
    for (const lane of lanes) {
      openLane(holdings, view, ask, lane, tell);
      if (!lane.ended && lane.start < sequence) sequence = lane.start;
    }
    return sequence;
  } finally {
    view.close();
  }
}

function readPage(
  { engine, holdings }: ChangesDeps,
  keyspace: string,
  lanes: readonly Lane[],
  after: bigint,
  look: boolean,
): { frames: Frame[]; through: bigint; head: bigint } {
  const view = engine.read();
  try {
    const frames: Frame[] = [];
    if (look) endLanes(holdings, view, keyspace, lanes, frames);
    const { changes, through } = view.changes(after, null, PAGE);
    for (const { keyspace: of, place, value, at, sequence } of changes) {
      if (of !== keyspace) continue;
      const lane = laneAt(lanes, positionOf(place));
      if (lane === null || lane.ended || sequence <= lane.start) continue;
      if (comparePositions(at, lane.cursor) <= 0) continue;
      frames.push({ type: "change", segment: lane.index, prev: lane.cursor, at, place, value });
      lane.cursor = at;
    }
    const head = view.lastSequence;
    if (through === head) moveLanes(view, keyspace, lanes, look, frames);
    return { frames, through, head };
  } finally {
    view.close();
  }
}

async function send(out: Writable, frames: readonly Frame[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (frames.length === 0) return;
  if (!out.write(Buffer.concat(frames.map(encodeFrame)))) await once(out, "drain", { signal });
}

/** Tells whether the log grew or an entry changed since `reset`; waits for it, at most a heartbeat. */
function waker({ engine, holdings }: ChangesDeps, signal: AbortSignal) {
  let due = false;
  let changed = true;
  let wake: (() => void) | null = null;
  const ring = () => {
    due = true;
    wake?.();
  };
  const change = () => {
    changed = true;
    ring();
  };
  const stops = [engine.onCommit(ring), holdings.onChange(change)];
  signal.addEventListener("abort", ring);
  return {
    reset(): void {
      due = false;
    },
    /** Whether an entry changed since this was asked the last time. */
    entriesChanged(): boolean {
      const was = changed;
      changed = false;
      return was;
    },
    async next(): Promise<boolean> {
      if (!due && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, HEARTBEAT_MS);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = null;
      }
      signal.throwIfAborted();
      return due;
    },
    close(): void {
      for (const stop of stops) stop();
      signal.removeEventListener("abort", ring);
    },
  };
}
