import type { View } from "../../engines/contract.js";
import { startOfChanges } from "../../engines/log-position.js";
import { logReaches, readable } from "../../ownership/copy.js";
import { comparePositions, ORIGIN } from "../../ownership/position.js";
import type { LogPosition } from "../../ownership/types.js";
import type { Frame } from "../protocol/frames.js";
import type { ChangesRequest } from "../protocol/peer.js";
import type { Holdings } from "./holdings.js";

/** One segment of a change stream. */
export interface Lane {
  readonly index: number;
  readonly lo: bigint;
  readonly hi: bigint;
  /** What it was opened on: a later copy of the same segment has another history here. */
  origin: object | null;
  /** Nothing at or before this sequence of the log is of this copy, or the follower has it. */
  start: bigint;
  /** The node itself is only a copy of it. */
  copied: boolean;
  /** Its position may move without a change of its own: that of a copy, and that of a part of an entry. */
  moves: boolean;
  /** The last position that was sent, or asked for. */
  cursor: LogPosition;
  /** Nothing more comes on it: the follower has been told why. */
  ended: boolean;
}

/** The lanes of a request, sorted by `lo`. */
export function lanesOf({ segments }: ChangesRequest): Lane[] {
  return segments
    .map(({ lo, hi, from, read }, index): Lane => ({
      index,
      lo,
      hi,
      origin: null,
      start: read ?? 0n,
      copied: true,
      moves: true,
      cursor: from,
      ended: false,
    }))
    .toSorted((a, b) => (a.lo < b.lo ? -1 : 1));
}

/** Opens the lane on what the view shows, or ends it. What the follower must be told goes to `tell`. */
export function openLane(
  holdings: Holdings,
  view: View,
  { keyspace, node }: ChangesRequest,
  lane: Lane,
  tell: Frame[],
): void {
  const segment = lane.index;
  const holding = holdings.at(keyspace, lane.lo);
  const entry = view.entryAt(keyspace, lane.lo);
  if (holding === null || entry === null) {
    return end(lane, tell, { type: "unserved", segment, reason: "not-held" });
  }
  lane.origin = holding.origin;
  const cursor = view.cursor(keyspace, entry.lo) ?? ORIGIN;
  const { handed } = holding.state.durable;
  if (handed !== null && handed.to === node) tell.push({ type: "offer", segment, handed });
  if (entry.link !== null && !readable(entry.link.copy, cursor)) {
    return end(lane, tell, { type: "unserved", segment, reason: "not-readable" });
  }
  if (comparePositions(lane.cursor, cursor) > 0) {
    return end(lane, tell, { type: "unserved", segment, reason: "ahead" });
  }
  const start = startOfChanges(entry, lane.cursor);
  if (start === null) return end(lane, tell, { type: "unserved", segment, reason: "trimmed" });
  const read = lane.start <= view.lastSequence ? lane.start : 0n;
  lane.start = start > read ? start : read;
}

/**
 * Ends the lanes that cannot go on with what the view shows, and sees how the others' positions move. In parts: what was sent so far is of the whole, what follows would
 * be of parts. Copied anew here: what came by the new snapshot is not in the log.
 */
export function endLanes(
  holdings: Holdings,
  view: View,
  keyspace: string,
  lanes: readonly Lane[],
  tell: Frame[],
): void {
  for (const lane of lanes) {
    if (lane.ended) continue;
    const segment = lane.index;
    const entry = view.entryAt(keyspace, lane.lo);
    const holding = holdings.at(keyspace, lane.lo);
    lane.copied = holding?.state.durable.role !== "primary";
    lane.moves = lane.copied || entry?.lo !== lane.lo || entry.hi !== lane.hi;
    if (entry === null || holding?.origin !== lane.origin) {
      end(lane, tell, { type: "unserved", segment, reason: "not-held" });
    } else if (entry.link?.copy.phase === "copying") {
      end(lane, tell, { type: "unserved", segment, reason: "not-readable" });
    } else if (!logReaches(entry.floor, lane.cursor)) {
      end(lane, tell, { type: "unserved", segment, reason: "trimmed" });
    } else if (entry.hi < lane.hi) {
      end(lane, tell, { type: "split", segment, at: entry.hi });
    }
  }
}

/**
 * Once a view has been read to its end: the lanes whose entry stands further than the last change of the lane. A part of an entry
 * inherits the position of the whole, so a takeover of a part without writes would otherwise never be reached. Without `all` only
 * those that may move at any time.
 */
export function moveLanes(
  view: View,
  keyspace: string,
  lanes: readonly Lane[],
  all: boolean,
  tell: Frame[],
): void {
  for (const lane of lanes) {
    if (lane.ended || !(all || lane.moves)) continue;
    const entry = view.entryAt(keyspace, lane.lo)!;
    const at = view.cursor(keyspace, entry.lo) ?? ORIGIN;
    if (comparePositions(at, lane.cursor) <= 0) continue;
    tell.push({ type: "moved", segment: lane.index, prev: lane.cursor, at });
    lane.cursor = at;
  }
}

/** The lanes of which this node itself is only a copy, and how stale that may be. */
export function staleLanes(
  holdings: Holdings,
  keyspace: string,
  lanes: readonly Lane[],
): { segment: number; lagMs: number | null }[] {
  const stale: { segment: number; lagMs: number | null }[] = [];
  for (const lane of lanes) {
    const holding = lane.ended || !lane.copied ? null : holdings.at(keyspace, lane.lo);
    if (holding === null || holding.state.durable.role === "primary") continue;
    stale.push({ segment: lane.index, lagMs: holding.link.staleMs() });
  }
  return stale;
}

/** A takeover of one of the segments is under way. */
export function isTakenOver(holdings: Holdings, keyspace: string, lanes: readonly Lane[]): boolean {
  return lanes.some((lane) => {
    const holding = lane.ended ? null : holdings.at(keyspace, lane.lo);
    return holding !== null && holding.state.phase.kind !== "idle";
  });
}

export function laneAt(lanes: readonly Lane[], position: bigint): Lane | null {
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

function end(lane: Lane, tell: Frame[], frame: Frame): void {
  lane.ended = true;
  tell.push(frame);
}
