import type { LogPosition } from "../ownership/types.js";
import type { StoredEntry } from "./contract.js";

export function isAfter(a: LogPosition, b: LogPosition): boolean {
  return a.generation === b.generation ? a.index > b.index : a.generation > b.generation;
}

/**
 * Where in this node's log to start reading for somebody who holds the entry's changes up to `from`: all the later ones
 * have a greater sequence. Some read from there may still be at or before `from`: leave those out.
 * Null when changes after `from` are no longer in the log; a new copy is needed.
 */
export function startOfChanges(entry: StoredEntry, from: LogPosition): bigint | null {
  if (isAfter(entry.floor, from)) return null;
  const [first] = entry.reigns;
  if (first === undefined) return 0n;
  const reign = entry.reigns.findLast((each) => each.generation <= from.generation) ?? first;
  if (reign.own && reign.generation === from.generation && from.index > reign.after) {
    return from.index;
  }
  return reign.after;
}
