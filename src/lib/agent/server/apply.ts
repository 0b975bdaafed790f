import type { Engine } from "../../engines/contract.js";
import { acceptsFrame, newCopy } from "../../ownership/copy.js";
import { acceptsFrames, maySplit } from "../../ownership/permissions.js";
import { ORIGIN } from "../../ownership/position.js";
import type { Frame } from "../protocol/frames.js";
import type { Holding, Holdings } from "./holdings.js";
import type { Ownership } from "./ownership.js";

export interface ApplyDeps {
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly ownership: Ownership;
}

/** A segment of a stream, as it was when the stream was asked for. */
export interface Member {
  readonly holding: Holding;
  readonly link: string;
}

/** A frame that moves the cursor of its segment. */
export type MovingFrame = Extract<Frame, { type: "change" | "changes" | "moved" }>;

export function isMoving(frame: Frame): frame is MovingFrame {
  return frame.type === "change" || frame.type === "changes" || frame.type === "moved";
}

/**
 * Applies the changes that are the next of their segment, in one commit. `misfit`: some were not, and the stream must be asked
 * for anew from the cursors as they are then.
 */
export async function storeChanges(
  { engine, holdings }: ApplyDeps,
  members: readonly Member[],
  frames: readonly MovingFrame[],
): Promise<{ touched: ReadonlySet<Holding>; misfit: boolean }> {
  return engine.write((txn) => {
    const touched = new Set<Holding>();
    let misfit = false;
    for (const frame of frames) {
      const { segment, prev, at } = frame;
      const member = members[segment];
      if (member === undefined)
        throw new Error(`a change of segment ${segment}, which was not asked for`);
      const { holding, link } = member;
      const { keyspace, lo } = holding;
      // The holding may have been split, dropped or crowned since the stream was opened.
      const current = holdings.at(keyspace, lo) === holding && acceptsFrames(holding.state);
      const entry = current ? txn.entry(keyspace, holding.entry) : null;
      const cursor = txn.cursor(keyspace, lo) ?? ORIGIN;
      const fits =
        entry !== null &&
        entry.link !== null &&
        acceptsFrame(cursor, entry.link.id, { link, prev, position: at });
      if (!fits) {
        misfit = true;
        continue;
      }
      if (frame.type === "moved") txn.setCursor(keyspace, lo, at);
      else if (frame.type === "changes") {
        const together = frame.changes.map((change) => ({ keyspace, ...change }));
        txn.changeTogether(together, at);
      } else txn.change({ keyspace, place: frame.place, value: frame.value }, at);
      touched.add(holding);
    }
    return { touched, misfit };
  });
}

/** Does what the source tells about a segment. Says whether the stream must be asked for anew in a while. */
export async function heedSource(
  deps: ApplyDeps,
  source: string,
  members: readonly Member[],
  frame: Exclude<Frame, { type: MovingFrame["type"] | "progress" }>,
): Promise<boolean> {
  const { ownership, holdings } = deps;
  switch (frame.type) {
    case "split": {
      const holding = members[frame.segment]?.holding;
      if (holding === undefined) return false;
      holding.link.lose("its source is cut into parts");
      if (!maySplit(holding.state)) return true;
      // A whole entry at this position has everything of both its parts up to it.
      const { keyspace, lo, hi } = holding;
      await holdings.cut(keyspace, lo, frame.at, () => undefined).catch(() => undefined);
      // Cut, the members have changed, which asks anew by itself.
      return holdings.at(keyspace, lo)?.hi === hi;
    }
    case "offer": {
      const holding = members[frame.segment]?.holding;
      if (holding !== undefined) ownership.offered(holding, source, frame.handed);
      return false;
    }
    case "unserved": {
      const member = members[frame.segment];
      if (member === undefined) return false;
      const { holding } = member;
      holding.link.lose(`${source} does not serve it: ${frame.reason}`);
      return frame.reason !== "trimmed" || !(await copyAnew(deps, member));
    }
    default:
      throw new Error(`a ${frame.type} frame in a change stream`);
  }
}

/** The source's log does not reach back to this copy's position: everything is copied again. Not while a takeover is under way. */
async function copyAnew(
  { engine, holdings }: ApplyDeps,
  { holding, link }: Member,
): Promise<boolean> {
  const restarted = await engine.write((txn) => {
    const entry = txn.entry(holding.keyspace, holding.entry);
    const idle = holding.state.phase.kind === "idle" && entry?.ownership.role === "follower";
    if (!idle || entry?.link?.id !== link) return false;
    txn.putEntry({
      ...entry,
      reigns: [],
      link: { ...entry.link, copy: newCopy(), verified: false },
    });
    txn.setCursor(holding.keyspace, holding.lo, null);
    return true;
  });
  if (restarted) {
    holding.link.restarts += 1;
    holding.link.read = null;
  }
  holdings.refresh();
  return restarted;
}
