import type { LogPosition } from "../../ownership/types.js";
import type { Place, StoredDrop, StoredEntry } from "../contract.js";
import type { SegmentTable } from "../segment-table.js";
import { encodeJson } from "./records.js";
import { ENTRIES_VERSION } from "./state-keys.js";
import type { RowKey } from "./keys.js";
import type { Tables } from "./tables.js";

export interface RowWrite extends RowKey {
  /** Null: delete. */
  readonly value: Buffer | null;
}

/** What the lowest delta lies on: the last flushed commit. */
export interface Flushed {
  readonly entries: SegmentTable<StoredEntry>;
  readonly entriesVersion: number;
  readonly drops: SegmentTable<StoredDrop>;
  readonly keyspaces: ReadonlyMap<string, number>;
  readonly first: bigint;
  readonly last: bigint;
  /** By `cursorKey`. */
  cursor(key: string): LogPosition | null;
}

/**
 * What a work, or a batch of works, changes on top of what is below it. Nothing reaches LMDB before the whole work has
 * succeeded, so that a work that throws has no effect.
 */
export class Delta {
  entries: SegmentTable<StoredEntry>;
  drops: SegmentTable<StoredDrop>;
  keyspaces: ReadonlyMap<string, number>;
  first: bigint;
  last: bigint;
  /** By `cursorKey`; null: deleted. */
  readonly cursors = new Map<string, LogPosition | null>();
  /** By key of the `state` table; null: deleted. Cursors are not in here: one of them may change a thousand times. */
  readonly state = new Map<string, Buffer | null>();
  readonly rows: RowWrite[] = [];
  readonly records: { readonly sequence: bigint; readonly bytes: Buffer }[] = [];
  readonly trimmed: bigint[] = [];
  /** Estimate of what the transaction holds. */
  bytes = 0;

  readonly #below: Delta | Flushed;
  /** The last write of each row, made when somebody asks; covers `#indexed` of the writes. */
  #index: Map<string, RowWrite> | null = null;
  #indexed = 0;

  constructor(below: Delta | Flushed) {
    this.#below = below;
    this.entries = below.entries;
    this.drops = below.drops;
    this.keyspaces = below.keyspaces;
    this.first = below.first;
    this.last = below.last;
  }

  get entriesVersion(): number {
    const below: number = this.#below.entriesVersion;
    return this.entries === this.#below.entries ? below : below + 1;
  }

  get isEmpty(): boolean {
    return (
      this.rows.length +
        this.records.length +
        this.trimmed.length +
        this.state.size +
        this.cursors.size ===
      0
    );
  }

  cursor(key: string): LogPosition | null {
    const own = this.cursors.get(key);
    return own === undefined ? this.#below.cursor(key) : own;
  }

  /** Undefined: not changed here or below, ask LMDB. */
  stateAt(key: string): Buffer | null | undefined {
    const own = this.state.get(key);
    if (own !== undefined || !(this.#below instanceof Delta)) return own;
    return this.#below.stateAt(key);
  }

  /** Undefined: not written here or below, ask LMDB. */
  rowAt(keyspace: number, place: Place): RowWrite | undefined {
    this.#index ??= new Map();
    for (; this.#indexed < this.rows.length; this.#indexed += 1) {
      const row = this.rows[this.#indexed];
      if (row !== undefined) this.#index.set(rowText(row.keyspace, row.place), row);
    }
    const own = this.#index.get(rowText(keyspace, place));
    if (own !== undefined || !(this.#below instanceof Delta)) return own;
    return this.#below.rowAt(keyspace, place);
  }

  /** All writes of rows not in LMDB yet, oldest first; later ones of the same row replace earlier ones. */
  *rowWrites(): Generator<RowWrite> {
    if (this.#below instanceof Delta) yield* this.#below.rowWrites();
    yield* this.rows;
  }

  *stateWrites(): Generator<[string, Buffer | null]> {
    if (this.#below instanceof Delta) yield* this.#below.stateWrites();
    yield* this.state;
  }

  /** Takes over a delta that was made on top of this one. */
  absorb(above: Delta): void {
    this.entries = above.entries;
    this.drops = above.drops;
    this.keyspaces = above.keyspaces;
    this.first = above.first;
    this.last = above.last;
    for (const [key, at] of above.cursors) this.cursors.set(key, at);
    for (const [key, value] of above.state) this.state.set(key, value);
    for (const row of above.rows) this.rows.push(row);
    for (const record of above.records) this.records.push(record);
    for (const sequence of above.trimmed) this.trimmed.push(sequence);
    this.bytes += above.bytes;
  }

  /** One LMDB transaction. Resolves when it is flushed; rejects when nothing of it is, or when that is not known. */
  async commit({ root, rows, log, state }: Tables): Promise<void> {
    await root.batch(() => {
      for (const row of this.rows) {
        if (row.value === null) rows.remove(row);
        else rows.put(row, row.value);
      }
      for (const { sequence, bytes } of this.records) log.put(sequence, bytes);
      for (const sequence of this.trimmed) log.remove(sequence);
      for (const [key, at] of this.cursors) {
        if (at === null) state.remove(key);
        else state.put(key, encodeJson(at));
      }
      if (this.entries !== this.#below.entries) {
        state.put(ENTRIES_VERSION, encodeJson(this.entriesVersion));
      }
      for (const [key, value] of this.state) {
        if (value === null) state.remove(key);
        else state.put(key, value);
      }
    });
  }
}

export function rowText(keyspace: number, place: Place): string {
  return `${keyspace} ${place.toString("latin1")}`;
}
