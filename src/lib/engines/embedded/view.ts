import type { Transaction } from "lmdb";
import { OpsError, EXIT } from "../../errors.js";
import type { Segment } from "../../keyspace/segment.js";
import type { LogPosition } from "../../ownership/types.js";
import type {
  ChangePage,
  DigestChunk,
  Histogram,
  LoggedChange,
  Place,
  Row,
  RowPage,
  StoredEntry,
  View,
} from "../contract.js";
import { type RowDigest, digestRows } from "../digest.js";
import { SegmentTable } from "../segment-table.js";
import { histogramOf } from "../histogram.js";
import { positionOf } from "../place.js";
import { type Committed, entriesVersionIn, lastSequenceIn } from "./committed.js";
import { isEmpty, rangeOf } from "./ranges.js";
import { decodeJson, decodeRecord } from "./records.js";
import { ENTRIES, cursorKey, endOf } from "./state-keys.js";
import type { Tables } from "./tables.js";

export class EmbeddedView implements View {
  readonly lastSequence: bigint;
  readonly #tables: Tables;
  readonly #committed: Committed;
  readonly #onClose: (view: EmbeddedView) => void;
  #transaction: Transaction | null;
  #entries: SegmentTable<StoredEntry> | null = null;

  constructor(tables: Tables, committed: Committed, onClose: (view: EmbeddedView) => void) {
    this.#tables = tables;
    this.#committed = committed;
    this.#onClose = onClose;
    this.#transaction = tables.rows.useReadTransaction();
    this.lastSequence = lastSequenceIn(tables, { transaction: this.#transaction });
  }

  get(keyspace: string, place: Place): Buffer | null {
    const transaction = this.#open();
    const id = this.#committed.keyspaces.get(keyspace);
    if (id === undefined) return null;
    return this.#tables.rows.getBinary({ keyspace: id, place }, { transaction }) ?? null;
  }

  entries(): readonly StoredEntry[] {
    return this.#entryTable().all();
  }

  entryAt(keyspace: string, position: bigint): StoredEntry | null {
    return this.#entryTable().at(keyspace, position);
  }

  cursor(keyspace: string, lo: bigint): LogPosition | null {
    const transaction = this.#open();
    const bytes = this.#tables.state.getBinary(cursorKey(keyspace, lo), { transaction });
    return bytes === undefined ? null : decodeJson<LogPosition>(bytes);
  }

  scan(
    keyspace: string,
    segment: Segment,
    after: Place | null,
    limit: { rows: number; bytes: number },
  ): RowPage {
    const transaction = this.#open();
    const rows: Row[] = [];
    const id = this.#committed.keyspaces.get(keyspace);
    if (id === undefined) return { rows, done: true };
    const range = rangeOf(id, segment, after);
    if (isEmpty(range)) return { rows, done: true };
    let bytes = 0;
    for (const { key, value } of this.#tables.rows.getRange({ ...range, transaction })) {
      // One row more than asked for is read: whether there is one decides `done`.
      if (rows.length >= limit.rows || bytes >= limit.bytes) return { rows, done: false };
      rows.push({ place: key.place, value });
      bytes += key.place.length + value.length;
    }
    return { rows, done: true };
  }

  changes(
    after: bigint,
    of: { readonly keyspace: string; readonly segment: Segment } | null,
    limit: { records: number; bytes: number },
  ): ChangePage {
    const transaction = this.#open();
    const changes: LoggedChange[] = [];
    const names = new Map([...this.#committed.keyspaces].map(([name, id]) => [id, name]));
    const wanted = of === null ? null : this.#committed.keyspaces.get(of.keyspace);
    if (after >= this.lastSequence) return { changes, through: this.lastSequence };
    let bytes = 0;
    let looked = 0;
    let last = after;
    const range = { start: after + 1n, limit: limit.records, transaction };
    for (const { key: sequence, value: record } of this.#tables.log.getRange(range)) {
      looked += 1;
      last = sequence;
      const { at, keyspace, place, value } = decodeRecord(record);
      if (of !== null) {
        if (keyspace !== wanted) continue;
        const position = positionOf(place);
        if (position < of.segment.lo || position >= of.segment.hi) continue;
      }
      changes.push({ sequence, at, keyspace: names.get(keyspace) ?? "", place, value });
      bytes += record.length;
      if (bytes >= limit.bytes) return { changes, through: sequence };
    }
    return { changes, through: looked < limit.records ? this.lastSequence : last };
  }

  digest(
    keyspace: string,
    segment: Segment,
    after: Place | null,
    maxRows: number,
  ): Promise<DigestChunk> {
    return digestRows(
      (into, from, limit) => this.#show(into, keyspace, segment, from, limit),
      after,
      maxRows,
    );
  }

  histogram(keyspace: string, segment: Segment, buckets: number): Promise<Histogram> {
    return histogramOf(this, keyspace, segment, buckets);
  }

  close(): void {
    if (this.#transaction === null) return;
    this.#transaction.done();
    this.#transaction = null;
    this.#onClose(this);
  }

  /** Puts a page of rows into the digest. Returns whether the segment has no more. */
  #show(
    into: RowDigest,
    keyspace: string,
    segment: Segment,
    after: Place | null,
    limit: { rows: number; bytes: number },
  ): boolean {
    const transaction = this.#open();
    const id = this.#committed.keyspaces.get(keyspace);
    const range = id === undefined ? null : rangeOf(id, segment, after);
    if (range === null || isEmpty(range)) return true;
    const [rows, bytes] = [into.rows + limit.rows, into.bytes + limit.bytes];
    const enough = () => into.rows >= rows || into.bytes >= bytes;
    return this.#tables.shownRows.show({ ...range, transaction }, into, enough);
  }

  #entryTable(): SegmentTable<StoredEntry> {
    const transaction = this.#open();
    if (this.#entries !== null) return this.#entries;
    const version = entriesVersionIn(this.#tables, { transaction });
    this.#entries = this.#committed.entriesOf(version);
    if (this.#entries !== null) return this.#entries;
    const range = { start: ENTRIES, end: endOf(ENTRIES), transaction };
    this.#entries = SegmentTable.of(
      Array.from(this.#tables.state.getRange(range), ({ value }) => decodeJson<StoredEntry>(value)),
    );
    return this.#entries;
  }

  #open(): Transaction {
    if (this.#transaction !== null) return this.#transaction;
    throw new OpsError("view-closed", EXIT.failure, "this view of the store is closed");
  }
}
