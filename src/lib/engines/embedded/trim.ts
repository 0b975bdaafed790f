import type { LogPosition } from "../../ownership/types.js";
import type { StoredEntry } from "../contract.js";
import { isAfter } from "../log-position.js";
import { positionOf } from "../place.js";
import type { Draft } from "./draft.js";
import { decodeRecord } from "./records.js";
import { LOG_LAST } from "./state-keys.js";

/** Deletes the oldest records of the log up to `through`, and raises the floors of the entries that lose some; returns how many. */
export function trimLog(draft: Draft, through: bigint, limit: number): number {
  const { delta, tables } = draft;
  const { first } = delta;
  const floors = new Map<StoredEntry, LogPosition>();
  const names = new Map([...delta.keyspaces].map(([name, id]) => [id, name]));
  const end = through < delta.last ? through : delta.last;
  let next = first;
  for (const { key, value } of tables.log.getRange({
    start: first,
    end: end + 1n,
    limit,
  })) {
    const { at, keyspace, place } = decodeRecord(value);
    const entry = delta.entries.at(names.get(keyspace) ?? "", positionOf(place));
    // Records of an earlier time at which this node held the segment say nothing about the entry of today.
    const since = entry?.reigns[0]?.after;
    if (entry !== null && since !== undefined && key > since) {
      if (isAfter(at, floors.get(entry) ?? entry.floor)) floors.set(entry, at);
    }
    delta.trimmed.push(key);
    draft.charge(0);
    next = key + 1n;
  }
  if (next === first) return 0;
  for (const [entry, floor] of floors) {
    const reigns = entry.reigns.filter(
      (_, i, all) => (all[i + 1]?.generation ?? floor.generation + 1n) > floor.generation,
    );
    draft.storeEntry({ ...entry, floor, reigns });
  }
  delta.first = next;
  draft.writeState(LOG_LAST, delta.last);
  return Number(next - first);
}
