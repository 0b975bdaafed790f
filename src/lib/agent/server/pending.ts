import { comparePositions } from "../../ownership/position.js";
import type { LogPosition } from "../../ownership/types.js";
import { changeBytes, changesBytes, type Frame } from "../protocol/frames.js";
import { isMoving, type Member } from "./apply.js";
import type { Holding } from "./holdings.js";

/** Above it the stream is not read. */
const FULL_BYTES = 4 * 1024 * 1024;
/** One commit. */
const COMMIT = { changes: 2_000, bytes: 4 * 1024 * 1024 };

export interface Received {
  readonly frame: Frame;
  /** Monotonic, ms. */
  readonly at: number;
}

/** A stop at an exact position, so that a digest can be taken there. */
export interface Halt {
  readonly member: Holding;
  /** Null while the position is not known: nothing is applied. */
  until: LogPosition | null;
  /** The end of the source's log then. */
  head: bigint;
  /** Everything up to it is here, wherever the cursor stands: more has been read, or the next frame of the segment is beyond it. */
  reached: boolean;
  /** The next step of the segment begins before it and ends beyond it: this copy never stands there. */
  passed: boolean;
}

/** What has been read of a stream and waits to be applied, and where that is to stop. */
export class Pending {
  halt: Halt | null = null;
  #received: Received[] = [];
  #bytes = 0;

  get isFull(): boolean {
    return this.#bytes > FULL_BYTES;
  }

  push(frame: Frame, at: number): void {
    this.#received.push({ frame, at });
    this.#bytes += sizeOf(frame);
  }

  clear(): void {
    this.#received = [];
    this.#bytes = 0;
  }

  /** The next frames for one commit; under a halt none of that segment after its position, nor anything behind it. */
  take(members: readonly Member[]): Received[] {
    const { halt } = this;
    if (halt !== null && halt.until === null) return [];
    let count = 0;
    let bytes = 0;
    let changes = 0;
    for (const { frame } of this.#received) {
      const size = sizeOf(frame);
      if (changes >= COMMIT.changes || (count > 0 && bytes + size > COMMIT.bytes)) break;
      if (halt !== null && isBeyond(halt, members, frame)) {
        // What comes before it must be applied first.
        if (count > 0) break;
        if (frame.type === "changes" && frame.after < halt.head) halt.passed = true;
        else halt.reached = true;
        break;
      }
      bytes += size;
      count += 1;
      changes += frame.type === "changes" ? frame.changes.length : 1;
    }
    this.#bytes -= bytes;
    return this.#received.splice(0, count);
  }
}

function isBeyond(
  { member, until, head }: Halt,
  members: readonly Member[],
  frame: Frame,
): boolean {
  if (until === null) return false;
  if (frame.type === "progress") return frame.sent >= head;
  if (!isMoving(frame)) return false;
  if (members[frame.segment]?.holding !== member) return false;
  return comparePositions(frame.at, until) > 0;
}

function sizeOf(frame: Frame): number {
  if (frame.type === "change") return changeBytes(frame);
  return frame.type === "changes" ? changesBytes(frame.changes) : 64;
}
