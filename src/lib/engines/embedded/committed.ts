import type { Transaction } from "lmdb";
import type { LogPosition } from "../../ownership/types.js";
import type { StoredDrop, StoredEntry } from "../contract.js";
import { SegmentTable } from "../segment-table.js";
import type { Delta, Flushed } from "./delta.js";
import { decodeJson } from "./records.js";
import {
  CURSORS,
  DROPS,
  ENTRIES,
  ENTRIES_VERSION,
  KEYSPACES,
  LOG_LAST,
  endOf,
} from "./state-keys.js";
import type { Tables } from "./tables.js";

/** Entries of so many commits before the last one, and of the one under way: a view may be of any of them. */
const TABLES_KEPT = 8;

/** What is kept in memory of the last flushed commit: small, and asked for with each request. */
export class Committed implements Flushed {
  entries = SegmentTable.of<StoredEntry>([]);
  entriesVersion = 0;
  readonly #tables = new Map<number, SegmentTable<StoredEntry>>();
  drops = SegmentTable.of<StoredDrop>([]);
  /** Ids of keyspaces. */
  keyspaces: ReadonlyMap<string, number> = new Map();
  /** The oldest sequence in the log; one past `last` when the log is empty. */
  first = 1n;
  last = 0n;
  /** By `cursorKey`. */
  readonly #cursors = new Map<string, LogPosition>();

  static load(tables: Tables): Committed {
    const { state, log } = tables;
    const loaded = new Committed();
    const all = <T>(prefix: string, take: (key: string, value: T) => void): void => {
      for (const { key, value } of state.getRange({ start: prefix, end: endOf(prefix) })) {
        take(key, decodeJson<T>(value));
      }
    };
    const keyspaces = new Map<string, number>();
    all<number>(KEYSPACES, (key, id) => keyspaces.set(key.slice(KEYSPACES.length), id));
    loaded.keyspaces = keyspaces;
    const entries: StoredEntry[] = [];
    all<StoredEntry>(ENTRIES, (_, entry) => entries.push(entry));
    loaded.entries = SegmentTable.of(entries);
    loaded.entriesVersion = entriesVersionIn(tables);
    const drops: StoredDrop[] = [];
    all<StoredDrop>(DROPS, (_, drop) => drops.push(drop));
    loaded.drops = SegmentTable.of(drops);
    all<LogPosition>(CURSORS, (key, at) => loaded.#cursors.set(key, at));

    loaded.last = lastSequenceIn(tables);
    const [first] = log.getKeys({ start: 0n, limit: 1 });
    loaded.first = first ?? loaded.last + 1n;
    return loaded;
  }

  /** The entries of a version, where they are remembered. */
  entriesOf(version: number): SegmentTable<StoredEntry> | null {
    return version === this.entriesVersion ? this.entries : (this.#tables.get(version) ?? null);
  }

  /** Entries that are on their way to the disk. */
  announce({ entriesVersion, entries }: Delta): void {
    this.#tables.set(entriesVersion, entries);
    const [oldest] = this.#tables.keys();
    if (this.#tables.size > TABLES_KEPT && oldest !== undefined) this.#tables.delete(oldest);
  }

  cursor(key: string): LogPosition | null {
    return this.#cursors.get(key) ?? null;
  }

  apply(delta: Delta): void {
    // In this order: the delta's version depends on whether its entries are others than these.
    this.entriesVersion = delta.entriesVersion;
    this.entries = delta.entries;
    this.drops = delta.drops;
    this.keyspaces = delta.keyspaces;
    this.first = delta.first;
    this.last = delta.last;
    for (const [key, at] of delta.cursors) {
      if (at === null) this.#cursors.delete(key);
      else this.#cursors.set(key, at);
    }
  }
}

export function entriesVersionIn({ state }: Tables, of?: { transaction: Transaction }): number {
  const recorded = state.getBinary(ENTRIES_VERSION, of);
  return recorded === undefined ? 0 : decodeJson<number>(recorded);
}

const MAX_SEQUENCE = (1n << 64n) - 1n;

/** The last one given out: of the newest record, or, when a trim has emptied the log, as the trim wrote it down. */
export function lastSequenceIn({ log, state }: Tables, of?: { transaction: Transaction }): bigint {
  const [newest] = log.getKeys({ start: MAX_SEQUENCE, end: 0n, reverse: true, limit: 1, ...of });
  if (newest !== undefined) return newest;
  const recorded = state.getBinary(LOG_LAST, of);
  return recorded === undefined ? 0n : decodeJson<bigint>(recorded);
}
