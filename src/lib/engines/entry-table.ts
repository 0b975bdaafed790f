import type { Segment } from "../keyspace/segment.js";
import type { StoredEntry } from "./contract.js";

/** The entries of a node, sorted by keyspace and `lo`, without overlap. Immutable: a change gives a new table. */
export class EntryTable {
  static readonly empty = new EntryTable(new Map());

  readonly #keyspaces: ReadonlyMap<string, readonly StoredEntry[]>;
  #all: readonly StoredEntry[] | null = null;

  private constructor(keyspaces: ReadonlyMap<string, readonly StoredEntry[]>) {
    this.#keyspaces = keyspaces;
  }

  /** The entries must not overlap. */
  static of(entries: readonly StoredEntry[]): EntryTable {
    const keyspaces = new Map<string, StoredEntry[]>();
    for (const entry of entries.toSorted((a, b) => (a.lo < b.lo ? -1 : 1))) {
      const others = keyspaces.get(entry.keyspace);
      if (others === undefined) keyspaces.set(entry.keyspace, [Object.freeze(entry)]);
      else others.push(Object.freeze(entry));
    }
    return new EntryTable(keyspaces);
  }

  all(): readonly StoredEntry[] {
    this.#all ??= Object.freeze(
      [...this.#keyspaces.keys()].sort().flatMap((name) => this.#keyspaces.get(name) ?? []),
    );
    return this.#all;
  }

  at(keyspace: string, position: bigint): StoredEntry | null {
    const entries = this.#keyspaces.get(keyspace);
    if (entries === undefined) return null;
    const found = entries[countUpTo(entries, position) - 1];
    return found !== undefined && position < found.hi ? found : null;
  }

  exactly(keyspace: string, segment: Segment): StoredEntry | null {
    const found = this.startingAt(keyspace, segment.lo);
    return found?.hi === segment.hi ? found : null;
  }

  startingAt(keyspace: string, lo: bigint): StoredEntry | null {
    const found = this.at(keyspace, lo);
    return found?.lo === lo ? found : null;
  }

  /** The first entry that holds a part of the segment. */
  overlapping(keyspace: string, segment: Segment): StoredEntry | null {
    const entries = this.#keyspaces.get(keyspace) ?? [];
    const before = countUpTo(entries, segment.lo);
    return (
      [entries[before - 1], entries[before]].find((each) => each && overlap(each, segment)) ?? null
    );
  }

  /** The entry must not overlap another of the table. */
  with(entry: StoredEntry): EntryTable {
    const others = (this.#keyspaces.get(entry.keyspace) ?? []).filter(
      (each) => each.lo !== entry.lo,
    );
    const entries = others.toSpliced(countUpTo(others, entry.lo), 0, Object.freeze(entry));
    return new EntryTable(new Map(this.#keyspaces).set(entry.keyspace, entries));
  }

  without(entry: StoredEntry): EntryTable {
    const entries = (this.#keyspaces.get(entry.keyspace) ?? []).filter(
      (each) => each.lo !== entry.lo,
    );
    return new EntryTable(new Map(this.#keyspaces).set(entry.keyspace, entries));
  }
}

export function overlap(a: Segment, b: Segment): boolean {
  return a.lo < b.hi && b.lo < a.hi;
}

/** How many entries start at or before the position. */
function countUpTo(entries: readonly StoredEntry[], position: bigint): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && entry.lo <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
