import { EXIT, OpsError } from "../../errors.js";
import type { Segment } from "../../keyspace/segment.js";
import type { LogPosition } from "../../ownership/types.js";
import type { Change, EngineLimits, Place, StoredDrop, StoredEntry, Txn } from "../contract.js";
import { isAfter } from "../log-position.js";
import { positionOf } from "../place.js";
import { type Delta, rowText } from "./delta.js";
import { decodeJson, decodeRecord, encodeJson, encodeRecord } from "./records.js";
import {
  LOG_LAST,
  cursorKey,
  documentKey,
  dropKey,
  endOf,
  entryKey,
  keyspaceKey,
  tablePrefix,
} from "./state-keys.js";
import { rangeOf } from "./ranges.js";
import {
  checkRow,
  checkSegment,
  notPrimary,
  outOfOrder,
  overlaps,
  unknownEntry,
} from "./refusals.js";
import type { Tables } from "./tables.js";

/** What a write costs beside its bytes: keeps the number of writes in a transaction bounded too. */
const WRITE_COST = 64;
const MAX_KEYSPACES = 60_000;

/** One work's view of the batch, and its changes to it. */
export class EmbeddedTxn implements Txn {
  readonly #delta: Delta;
  readonly #tables: Tables;
  readonly #limits: EngineLimits;
  #ended = false;
  /** The entry that the last change fell into; writes come in runs. */
  #recent: { entry: StoredEntry; cursor: string; keyspace: number } | null = null;

  constructor(delta: Delta, tables: Tables, limits: EngineLimits) {
    this.#delta = delta;
    this.#tables = tables;
    this.#limits = limits;
  }

  end(): void {
    this.#ended = true;
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
    this.#keyspaceId(keyspace);
    this.#storeEntry({ ...entry, keyspace, lo, hi, reigns });
  }

  deleteEntry(keyspace: string, segment: Segment): void {
    const entry = this.#delta.entries.exactly(keyspace, segment);
    if (entry === null) throw unknownEntry(keyspace, segment.lo);
    this.#forgetEntry(entry);
    this.#setCursor(cursorKey(keyspace, entry.lo), null);
  }

  splitEntry(keyspace: string, at: bigint): void {
    const entry = this.#delta.entries.at(keyspace, at);
    if (entry === null) throw unknownEntry(keyspace, at);
    if (entry.lo === at) return;
    const cursor = this.cursor(keyspace, entry.lo);
    this.#forgetEntry(entry);
    this.#storeEntry({ ...entry, hi: at });
    this.#storeEntry({ ...entry, lo: at });
    this.#setCursor(cursorKey(keyspace, at), cursor);
  }

  cursor(keyspace: string, lo: bigint): LogPosition | null {
    return this.#delta.cursor(cursorKey(keyspace, lo));
  }

  setCursor(keyspace: string, lo: bigint, at: LogPosition | null): void {
    if (this.#delta.entries.startingAt(keyspace, lo) === null) throw unknownEntry(keyspace, lo);
    this.#setCursor(cursorKey(keyspace, lo), at);
  }

  getRow(keyspace: string, place: Place): Buffer | null {
    const id = this.#delta.keyspaces.get(keyspace);
    if (id === undefined) return null;
    const written = this.#delta.rowAt(id, place);
    if (written !== undefined) return written.value;
    return this.#tables.rows.getBinary({ keyspace: id, place }) ?? null;
  }

  putRow(keyspace: string, place: Place, value: Buffer): void {
    checkRow(this.#limits, keyspace, place, value);
    this.#writeRow(this.#keyspaceId(keyspace), place, value);
  }

  deleteRow(keyspace: string, place: Place): void {
    checkRow(this.#limits, keyspace, place, null);
    this.#writeRow(this.#keyspaceId(keyspace), place, null);
  }

  change(change: Change, at: LogPosition | null): LogPosition {
    const { keyspace, place, value } = change;
    checkRow(this.#limits, keyspace, place, value);
    const { entry, cursor } = this.#entryOf(keyspace, positionOf(place));
    const sequence = this.#delta.last + 1n;
    if (at === null && entry.ownership.role !== "primary") throw notPrimary(entry);
    const position = at ?? { generation: entry.ownership.generation, index: sequence };
    const held = this.#delta.cursor(cursor);
    if (held !== null && !isAfter(position, held)) throw outOfOrder(entry, position, held);
    const reign = entry.reigns.at(-1);
    if (reign?.generation !== position.generation || reign.own !== (at === null)) {
      const next = { generation: position.generation, after: sequence - 1n, own: at === null };
      this.#storeEntry({ ...entry, reigns: [...entry.reigns, next] });
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
      checkRow(this.#limits, change.keyspace, change.place, change.value);
      this.#record(change, at);
    }
  }

  #record({ keyspace, place, value }: Change, at: LogPosition): void {
    const id = this.#keyspaceId(keyspace);
    const sequence = this.#delta.last + 1n;
    const bytes = encodeRecord({ at, keyspace: id, place, value });
    this.#charge(bytes.length);
    this.#delta.records.push({ sequence, bytes });
    this.#delta.last = sequence;
    this.#writeRow(id, place, value);
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
      for (const { place } of this.#tables.rows.getKeys(rangeOf(id, segment, null))) {
        if (pending.has(rowText(id, place))) continue;
        doomed.push(Buffer.from(place));
        if (doomed.length >= limit) break;
      }
    }
    for (const place of doomed) this.#writeRow(id, place, null);
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
    return this.#stateAt<StoredDrop>(dropKey(id));
  }

  /** For the engine itself. */
  setDrop(drop: StoredDrop): void {
    this.#writeState(dropKey(drop.id), encodeJson(drop));
    this.#delta.drops = this.#delta.drops.with(drop);
  }

  /** For the engine itself. */
  endDrop(drop: StoredDrop): void {
    this.#writeState(dropKey(drop.id), null);
    this.#delta.drops = this.#delta.drops.without(drop);
  }

  /** For the engine itself: deletes the oldest records up to `through`; returns how many. */
  trim(through: bigint, limit: number): number {
    const delta = this.#delta;
    const { first } = delta;
    const floors = new Map<StoredEntry, LogPosition>();
    const names = new Map([...delta.keyspaces].map(([name, id]) => [id, name]));
    const end = through < delta.last ? through : delta.last;
    let next = first;
    for (const { key, value } of this.#tables.log.getRange({
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
      this.#charge(0);
      next = key + 1n;
    }
    if (next === first) return 0;
    for (const [entry, floor] of floors) {
      const reigns = entry.reigns.filter(
        (_, i, all) => (all[i + 1]?.generation ?? floor.generation + 1n) > floor.generation,
      );
      this.#storeEntry({ ...entry, floor, reigns });
    }
    delta.first = next;
    this.#writeState(LOG_LAST, encodeJson(delta.last));
    return Number(next - first);
  }

  document<T>(table: string, id: string): T | null {
    return this.#stateAt<T>(documentKey(table, id));
  }

  documents<T>(table: string): { readonly id: string; readonly value: T }[] {
    const prefix = tablePrefix(table);
    const found = new Map<string, Buffer>();
    for (const { key, value } of this.#tables.state.getRange({
      start: prefix,
      end: endOf(prefix),
    })) {
      found.set(key, value);
    }
    for (const [key, value] of this.#delta.stateWrites()) {
      if (!key.startsWith(prefix)) continue;
      if (value === null) found.delete(key);
      else found.set(key, value);
    }
    return [...found.keys()].sort().map((key) => ({
      id: key.slice(prefix.length),
      value: decodeJson<T>(found.get(key) ?? Buffer.from("null")),
    }));
  }

  putDocument(table: string, id: string, value: unknown): void {
    this.#writeState(documentKey(table, id), encodeJson(value));
  }

  deleteDocument(table: string, id: string): void {
    this.#writeState(documentKey(table, id), null);
  }

  #entryOf(keyspace: string, position: bigint) {
    const recent = this.#recent;
    if (
      recent !== null &&
      recent.entry.keyspace === keyspace &&
      position >= recent.entry.lo &&
      position < recent.entry.hi
    ) {
      return recent;
    }
    const entry = this.#delta.entries.at(keyspace, position);
    if (entry === null) throw unknownEntry(keyspace, position);
    this.#recent = {
      entry,
      cursor: cursorKey(keyspace, entry.lo),
      keyspace: this.#keyspaceId(keyspace),
    };
    return this.#recent;
  }

  #storeEntry(entry: StoredEntry): void {
    this.#writeState(entryKey(entry.keyspace, entry.lo), encodeJson(entry));
    this.#delta.entries = this.#delta.entries.with(entry);
    this.#recent = null;
  }

  #forgetEntry(entry: StoredEntry): void {
    this.#writeState(entryKey(entry.keyspace, entry.lo), null);
    this.#delta.entries = this.#delta.entries.without(entry);
    this.#recent = null;
  }

  #setCursor(key: string, at: LogPosition | null): void {
    this.#charge(0);
    this.#delta.cursors.set(key, at);
  }

  #writeRow(keyspace: number, place: Place, value: Buffer | null): void {
    this.#charge(place.length + (value?.length ?? 0));
    this.#delta.rows.push({ keyspace, place, value });
  }

  #stateAt<T>(key: string): T | null {
    const written = this.#delta.stateAt(key);
    const bytes = written === undefined ? this.#tables.state.getBinary(key) : written;
    return bytes ? decodeJson<T>(bytes) : null;
  }

  #writeState(key: string, value: Buffer | null): void {
    this.#charge(value?.length ?? 0);
    this.#delta.state.set(key, value);
  }

  #charge(bytes: number): void {
    if (this.#ended) throw new Error("the transaction has ended");
    this.#delta.bytes += bytes + WRITE_COST;
    if (this.#delta.bytes <= this.#limits.workBytes) return;
    throw new OpsError(
      "work-too-large",
      EXIT.refused,
      `one transaction changes more than ${this.#limits.workBytes} bytes`,
      { hint: "send less at a time" },
    );
  }

  #checkDrops(keyspace: string, segment: Segment): void {
    const [drop] = this.#delta.drops.overlapping(keyspace, segment);
    if (drop !== undefined) throw overlaps(keyspace, segment, `the drop ${drop.id}`, drop);
  }

  #keyspaceId(keyspace: string): number {
    const known = this.#delta.keyspaces.get(keyspace);
    if (known !== undefined) return known;
    const id = this.#delta.keyspaces.size + 1;
    if (id > MAX_KEYSPACES) {
      throw new OpsError(
        "too-many-keyspaces",
        EXIT.refused,
        `a node holds up to ${MAX_KEYSPACES} keyspaces`,
      );
    }
    this.#writeState(keyspaceKey(keyspace), encodeJson(id));
    this.#delta.keyspaces = new Map(this.#delta.keyspaces).set(keyspace, id);
    return id;
  }
}
