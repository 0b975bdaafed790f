import type { Segment } from "../../keyspace/segment.js";
import type { LogPosition } from "../../ownership/types.js";
import type { Change, Place, StoredDrop, StoredEntry, Txn } from "../contract.js";
import { isAfter } from "../log-position.js";
import { positionOf } from "../place.js";
import type { SegmentTable } from "../segment-table.js";
import { type Delta, rowText } from "./delta.js";
import type { Draft } from "./draft.js";
import { encodeRecord } from "./records.js";
import { cursorKey, documentKey, dropKey, tablePrefix } from "./state-keys.js";
import { rangeOf } from "./ranges.js";
import {
  checkRow,
  checkSegment,
  notPrimary,
  outOfOrder,
  overlaps,
  unknownEntry,
} from "./refusals.js";
import { trimLog } from "./trim.js";

/** One work's view of the batch, and its changes to it. */
export class EmbeddedTxn implements Txn {
  readonly #draft: Draft;
  readonly #delta: Delta;
  /** The entry that the last change fell into, in the table of then; writes come in runs. */
  #recent: {
    table: SegmentTable<StoredEntry>;
    entry: StoredEntry;
    cursor: string;
  } | null = null;

  constructor(draft: Draft) {
    this.#draft = draft;
    this.#delta = draft.delta;
  }

  entries(): readonly StoredEntry[] {
    return this.#delta.entries.all();
  }

  entryAt(keyspace: string, position: bigint): StoredEntry | null {
    return this.#delta.entries.at(keyspace, position);
  }

  entry(keyspace: string, segment: Segment): StoredEntry | null {
    return this.#delta.entries.exactly(keyspace, segment);
  }

  entriesIn(keyspace: string, segment: Segment): readonly StoredEntry[] {
    return this.#delta.entries.overlapping(keyspace, segment);
  }

  putEntry(entry: StoredEntry): void {
    const { keyspace, lo, hi } = entry;
    checkSegment(entry);
    const replaced = this.#delta.entries.exactly(keyspace, entry);
    const [other] = replaced === null ? this.#delta.entries.overlapping(keyspace, entry) : [];
    if (other !== undefined) throw overlaps(keyspace, entry, "an entry", other);
    this.#checkDrops(keyspace, entry);
    const { last } = this.#delta;
    const own = entry.ownership.role === "primary";
    const reigns =
      entry.reigns.length > 0
        ? entry.reigns
        : [{ generation: entry.ownership.generation, after: last, own }];
    this.#draft.keyspaceId(keyspace);
    this.#draft.storeEntry({ ...entry, keyspace, lo, hi, reigns });
  }

  deleteEntry(keyspace: string, segment: Segment): void {
    const entry = this.#delta.entries.exactly(keyspace, segment);
    if (entry === null) throw unknownEntry(keyspace, segment.lo);
    this.#draft.forgetEntry(entry);
    this.#draft.setCursor(cursorKey(keyspace, entry.lo), null);
  }

  splitEntry(keyspace: string, at: bigint): void {
    const entry = this.#delta.entries.at(keyspace, at);
    if (entry === null) throw unknownEntry(keyspace, at);
    if (entry.lo === at) return;
    const cursor = this.cursor(keyspace, entry.lo);
    this.#draft.forgetEntry(entry);
    this.#draft.storeEntry({ ...entry, hi: at });
    this.#draft.storeEntry({ ...entry, lo: at });
    this.#draft.setCursor(cursorKey(keyspace, at), cursor);
  }

  cursor(keyspace: string, lo: bigint): LogPosition | null {
    return this.#delta.cursor(cursorKey(keyspace, lo));
  }

  setCursor(keyspace: string, lo: bigint, at: LogPosition | null): void {
    if (this.#delta.entries.startingAt(keyspace, lo) === null) throw unknownEntry(keyspace, lo);
    this.#draft.setCursor(cursorKey(keyspace, lo), at);
  }

  getRow(keyspace: string, place: Place): Buffer | null {
    const id = this.#delta.keyspaces.get(keyspace);
    if (id === undefined) return null;
    return this.#draft.row(id, place);
  }

  putRow(keyspace: string, place: Place, value: Buffer): void {
    checkRow(this.#draft.limits, keyspace, place, value);
    this.#draft.writeRow(this.#draft.keyspaceId(keyspace), place, value);
  }

  deleteRow(keyspace: string, place: Place): void {
    checkRow(this.#draft.limits, keyspace, place, null);
    this.#draft.writeRow(this.#draft.keyspaceId(keyspace), place, null);
  }

  change(change: Change, at: LogPosition | null): LogPosition {
    const { keyspace, place, value } = change;
    checkRow(this.#draft.limits, keyspace, place, value);
    const { entry, cursor } = this.#entryOf(keyspace, positionOf(place));
    const sequence = this.#delta.last + 1n;
    if (at === null && entry.ownership.role !== "primary") throw notPrimary(entry);
    const position = at ?? { generation: entry.ownership.generation, index: sequence };
    const held = this.#delta.cursor(cursor);
    if (held !== null && !isAfter(position, held)) throw outOfOrder(entry, position, held);
    const reign = entry.reigns.at(-1);
    if (reign?.generation !== position.generation || reign.own !== (at === null)) {
      const next = { generation: position.generation, after: sequence - 1n, own: at === null };
      this.#draft.storeEntry({ ...entry, reigns: [...entry.reigns, next] });
    }
    this.#record(change, position);
    this.#delta.cursors.set(cursor, position);
    return position;
  }

  changeTogether(changes: readonly Change[], at: LogPosition): void {
    const [first, ...others] = changes;
    if (first === undefined) throw new RangeError("no change");
    this.change(first, at);
    const { entry } = this.#entryOf(first.keyspace, positionOf(first.place));
    for (const change of others) {
      const own = this.#entryOf(change.keyspace, positionOf(change.place)).entry;
      if (own !== entry) throw new RangeError("changes of more than one entry");
      checkRow(this.#draft.limits, change.keyspace, change.place, change.value);
      this.#record(change, at);
    }
  }

  #record({ keyspace, place, value }: Change, at: LogPosition): void {
    const id = this.#draft.keyspaceId(keyspace);
    const sequence = this.#delta.last + 1n;
    const bytes = encodeRecord({ at, keyspace: id, place, value });
    this.#draft.charge(bytes.length);
    this.#delta.records.push({ sequence, bytes });
    this.#delta.last = sequence;
    this.#draft.writeRow(id, place, value);
  }

  lastSequence(): bigint {
    return this.#delta.last;
  }

  wipe(keyspace: string, segment: Segment, limit: number): number {
    checkSegment(segment);
    const id = this.#delta.keyspaces.get(keyspace);
    if (id === undefined) return 0;
    const pending = new Map<string, { place: Place; value: Buffer | null }>();
    for (const row of this.#delta.rowWrites()) {
      const position = positionOf(row.place);
      if (row.keyspace === id && position >= segment.lo && position < segment.hi) {
        pending.set(rowText(id, row.place), row);
      }
    }
    const doomed: Place[] = [];
    for (const { place, value } of pending.values()) {
      if (value !== null && doomed.length < limit) doomed.push(place);
    }
    if (doomed.length < limit) {
      for (const { place } of this.#draft.tables.rows.getKeys(rangeOf(id, segment, null))) {
        if (pending.has(rowText(id, place))) continue;
        doomed.push(Buffer.from(place));
        if (doomed.length >= limit) break;
      }
    }
    for (const place of doomed) this.#draft.writeRow(id, place, null);
    return doomed.length;
  }

  startDrop(id: string, keyspace: string, segment: Segment): void {
    checkSegment(segment);
    const [entry] = this.#delta.entries.overlapping(keyspace, segment);
    if (entry !== undefined) throw overlaps(keyspace, segment, "an entry", entry);
    this.#checkDrops(keyspace, segment);
    this.setDrop({ id, keyspace, lo: segment.lo, hi: segment.hi, removed: 0 });
  }

  /** For the engine itself. */
  drop(id: string): StoredDrop | null {
    return this.#draft.state<StoredDrop>(dropKey(id));
  }

  /** For the engine itself. */
  setDrop(drop: StoredDrop): void {
    this.#draft.writeState(dropKey(drop.id), drop);
    this.#delta.drops = this.#delta.drops.with(drop);
  }

  /** For the engine itself. */
  endDrop(drop: StoredDrop): void {
    this.#draft.deleteState(dropKey(drop.id));
    this.#delta.drops = this.#delta.drops.without(drop);
  }

  /** For the engine itself. */
  trim(through: bigint, limit: number): number {
    return trimLog(this.#draft, through, limit);
  }

  document<T>(table: string, id: string): T | null {
    return this.#draft.state<T>(documentKey(table, id));
  }

  documents<T>(table: string): { readonly id: string; readonly value: T }[] {
    const prefix = tablePrefix(table);
    const found = this.#draft.statesUnder<T>(prefix);
    return found.map(([key, value]) => ({ id: key.slice(prefix.length), value }));
  }

  putDocument(table: string, id: string, value: unknown): void {
    this.#draft.writeState(documentKey(table, id), value);
  }

  deleteDocument(table: string, id: string): void {
    this.#draft.deleteState(documentKey(table, id));
  }

  #entryOf(keyspace: string, position: bigint) {
    const recent = this.#recent;
    if (
      recent !== null &&
      recent.table === this.#delta.entries &&
      recent.entry.keyspace === keyspace &&
      position >= recent.entry.lo &&
      position < recent.entry.hi
    ) {
      return recent;
    }
    const entry = this.#delta.entries.at(keyspace, position);
    if (entry === null) throw unknownEntry(keyspace, position);
    this.#recent = {
      table: this.#delta.entries,
      entry,
      cursor: cursorKey(keyspace, entry.lo),
    };
    return this.#recent;
  }

  #checkDrops(keyspace: string, segment: Segment): void {
    const [drop] = this.#delta.drops.overlapping(keyspace, segment);
    if (drop !== undefined) throw overlaps(keyspace, segment, `the drop ${drop.id}`, drop);
  }
}
