import { comparePositions, reached } from "./position.js";
import type { Copy, Frame, LogPosition } from "./types.js";

/** A copy that has everything to do. The range is wiped in the same transaction: rows of an older copy may be deleted by now. */
export function newCopy(): Copy {
  return { phase: "copying", first: null, last: null, key: null };
}

/**
 * A chunk begins, on a snapshot pinned at `pinned`; it copies the rows after `copy.key`. Another source, pointed at in the
 * middle, may lag behind the one before: `first` is the earliest pin and `last` the latest, whichever came first.
 */
export function chunkPinned(copy: Copying, pinned: LogPosition): Copying {
  const { first, last } = copy;
  return {
    ...copy,
    first: first === null || !reached(pinned, first) ? pinned : first,
    last: last === null || reached(pinned, last) ? pinned : last,
  };
}

/** Rows up to and including `key` are here; stored with them. */
export function chunkStored(copy: Copying, key: string): Copying {
  return { ...copy, key };
}

/**
 * All rows are here, read at different times between `first` and `last`. So changes are replayed from `first`, and what the
 * copy shows before the cursor is at `last` is a state that never existed. Stored in one transaction with the cursor.
 */
export function copyFinished(copy: Copying): { readonly copy: Copy; readonly cursor: LogPosition } {
  if (copy.first === null || copy.last === null) {
    throw new Error("A copy cannot finish before its first chunk.");
  }
  return { copy: { phase: "streaming", readableFrom: copy.last }, cursor: copy.first };
}

export type Copying = Extract<Copy, { phase: "copying" }>;

/** Whether reads and digests may use the copy. */
export function readable(copy: Copy, cursor: LogPosition): boolean {
  return copy.phase === "streaming" && reached(cursor, copy.readableFrom);
}

/** Whether a node at `cursor` on link `link` applies the frame: the next of this stream, not a late, lost or foreign one. */
export function acceptsFrame(cursor: LogPosition, link: string, frame: Frame): boolean {
  return (
    frame.link === link &&
    comparePositions(frame.prev, cursor) === 0 &&
    comparePositions(frame.position, cursor) > 0
  );
}

/**
 * Whether a source whose log begins after `trimmed` can serve the changes after `from`. If not, or if `from` is missing from
 * its history, the copy starts again with `newCopy()`, and says so.
 */
export function logReaches(trimmed: LogPosition, from: LogPosition): boolean {
  return reached(from, trimmed);
}
