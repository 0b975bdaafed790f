import { once } from "node:events";
import type { Writable } from "node:stream";
import { setImmediate as breathe } from "node:timers/promises";
import type { Engine, LoggedChange, View } from "../../engines/contract.js";
import { positionOf } from "../../engines/place.js";
import { comparePositions } from "../../ownership/position.js";
import { encodeFrame } from "../protocol/frame-writer.js";
import { changeBytes, type Frame } from "../protocol/frames.js";
import type { ChangesRequest } from "../protocol/peer.js";
import { Groups } from "./groups.js";
import type { Holdings } from "./holdings.js";
import {
  endLanes,
  isTakenOver,
  type Lane,
  laneAt,
  lanesOf,
  moveLanes,
  openLane,
  staleLanes,
} from "./lanes.js";
import type { Retention } from "./retention.js";
import type { SyncTraffic } from "./sync-traffic.js";
import { Waker } from "./waker.js";
import type { Windows } from "./windows.js";

const PAGE = { records: 4_000, bytes: 512 * 1024 };
/** So often every lane is looked at after an entry has changed: the first view after it may be of a commit before. */
const LOOKS = 2;
/** A progress frame at least this often, also on an idle stream. */
const HEARTBEAT_MS = 200;

export interface ChangesDeps {
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly retention: Retention;
  readonly windows: Windows;
  readonly traffic: SyncTraffic;
  /** The lanes are open: their follower may tell what it has flushed of them, until the returned function is called. */
  readonly onOpen: (lanes: readonly Lane[]) => () => void;
}

/**
 * Sends the changes of several segments from this node's log, in its order, for as long as the follower listens. Only what is
 * flushed is sent. Where the follower wants it, what comes within a window is held back, and of a key only the last value is sent.
 */
export async function sendChanges(
  deps: ChangesDeps,
  ask: ChangesRequest,
  out: Writable,
  signal: AbortSignal,
): Promise<void> {
  const { engine, holdings, retention, traffic } = deps;
  const { keyspace } = ask;
  const follower = `${ask.node}/${keyspace}`;
  const lanes = lanesOf(ask);
  const waker = new Waker(engine, holdings, signal);
  const { window, close } = deps.windows.open(ask, waker.ring);
  const groups = new Groups(window.ms > 0);
  let forget = () => {};
  const send = async (frames: readonly Frame[]) => {
    signal.throwIfAborted();
    if (frames.length === 0) return;
    const bytes = Buffer.concat(frames.map(encodeFrame));
    traffic.sent(keyspace, ask.node, bytes.length, groups.takeSaved());
    if (!out.write(bytes)) await once(out, "drain", { signal });
  };
  try {
    const opening: Frame[] = [];
    let sequence = openAll(deps, ask, lanes, opening);
    retention.hold(follower, sequence, true);
    forget = deps.onOpen(lanes);
    await send(opening);
    const progress = (head: bigint): Frame => ({
      type: "progress",
      sent: sequence,
      head,
      stale: staleLanes(holdings, keyspace, lanes),
    });
    let read = sequence;
    for (let looks = LOOKS; ;) {
      waker.reset();
      if (waker.entriesChanged() || engine.log().first > read + 1n) looks = LOOKS;
      const limit = window.limit(read);
      const page = readPage(deps, keyspace, lanes, groups, read, limit, looks > 0);
      read = page.through;
      const atEnd = read === page.head;
      if (atEnd && looks > 0) looks -= 1;
      if (groups.isEmpty) sequence = read;
      if (page.frames.length > 0 || groups.isEmpty)
        await send([...page.frames, progress(page.head)]);
      retention.renew(follower);
      // A view may be newer or older than what the engine has told of; without this turn they would never meet.
      await breathe();
      const isCut = read === limit;
      if ((!atEnd && !isCut) || looks > 0) continue;
      if (atEnd) window.begin(performance.now());
      await untilDue();
    }

    /** Nothing to read while nothing happens, or what happens is held back; but a copy's position may move without its log. */
    async function untilDue(): Promise<void> {
      for (;;) {
        const left = isTakenOver(holdings, keyspace, lanes)
          ? 0
          : window.leftMs(performance.now(), read);
        const { last } = engine.log();
        if (waker.entryHasChanged) return;
        if (left === 0 && last > read) return;
        const isRung = await waker.next(
          left === 0 ? HEARTBEAT_MS : Math.min(left, HEARTBEAT_MS),
          left > 0,
        );
        if (left === 0 && (isRung || staleLanes(holdings, keyspace, lanes).length > 0)) return;
        await send([progress(last > read ? last : read)]);
        retention.renew(follower);
      }
    }
  } finally {
    forget();
    waker.close();
    close();
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

/** Reads on from `after`, at most to `limit`. `frames`: what is to be sent now; the rest stays in `groups`. */
function readPage(
  { engine, holdings }: ChangesDeps,
  keyspace: string,
  lanes: readonly Lane[],
  groups: Groups,
  after: bigint,
  limit: bigint | null,
  look: boolean,
): { frames: Frame[]; through: bigint; head: bigint } {
  const view = engine.read();
  try {
    const frames: Frame[] = [];
    if (look) {
      const tell: Frame[] = [];
      endLanes(holdings, view, keyspace, lanes, tell);
      // What ends a segment comes after all that was read of it.
      if (tell.length > 0) frames.push(...groups.take(), ...tell);
    }
    const { changes, through } = readSteps(view, after, limit);
    for (let i = 0; i < changes.length;) {
      const end = endOfStep(changes, i);
      if (groups.coalesces && groups.isCrowdedBy(sizeOfStep(changes, i, end)))
        frames.push(...groups.take());
      for (; i < end; i += 1) {
        const change = changes[i]!;
        if (change.keyspace !== keyspace) continue;
        const lane = laneAt(lanes, positionOf(change.place));
        if (lane === null || lane.ended || change.sequence <= lane.start) continue;
        const isLater = comparePositions(change.at, lane.cursor) > 0;
        if (isLater || groups.continues(lane, change.at)) groups.add(lane, change);
      }
    }
    const head = view.lastSequence;
    const isWhole = through === head || through === limit;
    if (isWhole || groups.isFull || !groups.coalesces) frames.push(...groups.take());
    if (through === head) moveLanes(view, keyspace, lanes, look, frames);
    return { frames, through, head };
  } finally {
    view.close();
  }
}

/** Behind the last change of the step that begins at `from`. */
function endOfStep(changes: readonly LoggedChange[], from: number): number {
  const { keyspace, at } = changes[from]!;
  let end = from + 1;
  while (
    end < changes.length &&
    changes[end]!.keyspace === keyspace &&
    comparePositions(changes[end]!.at, at) === 0
  )
    end += 1;
  return end;
}

function sizeOfStep(changes: readonly LoggedChange[], from: number, end: number) {
  let bytes = 0;
  for (let i = from; i < end; i += 1) bytes += changeBytes(changes[i]!);
  return { changes: end - from, bytes };
}

/** A page of the log that does not end within a step: changes at the same position of an entry follow each other. */
function readSteps(
  view: View,
  after: bigint,
  limit: bigint | null,
): { changes: readonly LoggedChange[]; through: bigint } {
  const page = view.changes(after, null, PAGE);
  const changes =
    limit === null ? page.changes : page.changes.filter((one) => one.sequence <= limit);
  let through = limit !== null && limit < page.through ? limit : page.through;
  const last = changes.at(-1);
  if (last === undefined) return { changes, through };
  const isSame = ({ keyspace, at }: LoggedChange) =>
    keyspace === last.keyspace && comparePositions(at, last.at) === 0;
  while (through < view.lastSequence && through !== limit) {
    const [next] = view.changes(through, null, { records: 1, bytes: 1 }).changes;
    if (next === undefined || !isSame(next)) break;
    const more = view.changes(through, null, PAGE).changes;
    const end = more.findIndex((one) => !isSame(one));
    const rest = end < 0 ? more : more.slice(0, end);
    changes.push(...rest);
    through = rest.at(-1)!.sequence;
  }
  return { changes, through };
}
