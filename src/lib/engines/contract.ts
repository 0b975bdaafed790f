import type { Segment } from "../keyspace/segment.js";
import type { Copy, Durable, LogPosition } from "../ownership/types.js";

/**
 * What an agent asks of the store of its node. A driver passes `test/engines/conformance.ts`.
 *
 * One store holds the rows, the change log, the entries and their cursors and the agent's own documents, so that
 * one transaction covers them. The *log sequence* counts this node's own log: it rises by one a record, starts at
 * 1 and is never used again. Where this node is primary it is also the index of the change's `LogPosition`.
 */
export interface Engine {
  readonly kind: string;
  readonly limits: EngineLimits;

  /**
   * Runs `work` inside a write transaction shared with its neighbours in the queue, in order; resolves with what it
   * returned once that transaction is flushed to the disk. A work that throws has no effect, rejects its own promise
   * and disturbs nobody else. It must be synchronous, must not keep `txn`, and runs exactly once.
   * Rejects with `engine-failed` when the commit failed: `onFatal` was called, the outcome is unknown, the process must end.
   */
  write<T>(work: (txn: Txn) => T): Promise<T>;

  /**
   * Resolves when the works that have already run are flushed; those that wait in the queue run later. Not to be called from
   * inside a work. Rejects with `engine-failed`.
   */
  settled(): Promise<void>;

  /**
   * A snapshot: rows, cursors, entries and log of one commit. Only flushed commits are ever seen. Close it soon: it stops page
   * reuse. It may be of a commit that `entries()` and `cursor()` here do not know of yet: ask the view itself.
   */
  read(): View;

  /** The value at the last flushed commit, or null. The buffer is the caller's. */
  get(keyspace: string, place: Place): Buffer | null;

  /** The entries at the last flushed commit, sorted by keyspace and `lo`. Frozen. */
  entries(): readonly StoredEntry[];
  /** The entry that holds the position, at the last flushed commit. O(log n). */
  entryAt(keyspace: string, position: bigint): StoredEntry | null;
  /** The cursor of the entry that starts at `lo`, at the last flushed commit. */
  cursor(keyspace: string, lo: bigint): LogPosition | null;

  /** The oldest sequence still in the log, `last + 1` when it is empty; the last flushed one, 0 when none ever was. Bytes on the disk. */
  log(): { readonly first: bigint; readonly last: bigint; readonly bytes: number };
  /** Called after a flush that added to the log, with its last sequence. Returns how to stop. The listener must not throw. */
  onCommit(listener: (last: bigint) => void): () => void;

  /** Documents of a table at the last flushed commit. */
  document<T>(table: string, id: string): T | null;
  documents<T>(table: string): { readonly id: string; readonly value: T }[];

  /**
   * Deletes the records up to and including `through`, oldest first, at most `maxRecords` of them, and raises the floor of
   * every entry that loses one. Goes in bounded transactions. Returns how many it deleted.
   */
  trim(through: bigint, maxRecords: number): Promise<number>;

  /**
   * Drops that were started (`Txn.startDrop`) and have not ended, also those of an earlier process: sorted by keyspace and `lo`, no
   * two overlap.
   */
  drops(): readonly StoredDrop[];
  /**
   * Deletes the rows of a started drop in bounded transactions, then forgets the drop. Goes on where an earlier process or
   * an abort stopped; returns the rows deleted in all, by every process. Rejects with `drop-unknown`, or the signal's reason.
   */
  runDrop(
    id: string,
    more?: { signal?: AbortSignal; progress?: (removed: number) => void },
  ): Promise<number>;

  describe(): EngineFacts;

  /** Flushes what is queued, refuses what comes after (`engine-closed`), and closes, open views too. */
  close(): Promise<void>;
}

export interface EngineOptions {
  /** A commit failed: what is on the disk is not known. End the process; the next one reads what is there. */
  onFatal: (error: Error) => void;
}

export interface EngineLimits {
  /** Longest key, bytes of UTF-8. */
  readonly keyBytes: number;
  /** Largest value. */
  readonly valueBytes: number;
  /** Most that one `work` may put, keys and values together; above it the work throws `work-too-large`. */
  readonly workBytes: number;
}

export interface EngineFacts {
  readonly engine: string;
  /** Size of the store on the disk, and how much of that is free for reuse. */
  readonly bytes: number;
  readonly freeBytes: number;
  readonly rows: number;
  readonly logRecords: number;
  readonly logBytes: number;
  /** Views open now; each one stops page reuse. */
  readonly openViews: number;
  /** Works waiting for a transaction. */
  readonly queued: number;
}

/**
 * Where a row lies in its keyspace: the position (uint64, big endian, 8 bytes), then the key in UTF-8. Places sort bytewise;
 * that is the order of rows everywhere. Made by `placeOf`, taken apart by `positionOf` and `keyOf` (`place.ts`).
 */
export type Place = Buffer;

export interface Row {
  readonly place: Place;
  readonly value: Buffer;
}

/** What happens to one row. `value: null` is a delete. */
export interface Change {
  readonly keyspace: string;
  readonly place: Place;
  readonly value: Buffer | null;
}

/** A record of the log. `at` is the position its primary gave it; `sequence` counts this node's own log. */
export interface LoggedChange extends Change {
  readonly sequence: bigint;
  readonly at: LogPosition;
}

export interface StoredLink {
  readonly id: string;
  readonly source: { readonly node: string; readonly url: string };
  readonly purpose: "replica" | "move";
  readonly copy: Copy;
  readonly verified: boolean;
  /** Null for no limit. */
  readonly bytesPerSecond: number | null;
}

/** What this node holds of one segment of a keyspace. Its cursor is kept apart: it is small and changes with each write. */
export interface StoredEntry extends Segment {
  readonly keyspace: string;
  readonly ownership: Durable;
  readonly link: StoredLink | null;
  /** Every change of this entry after the floor is in this node's log, if it is held here at all. */
  readonly floor: LogPosition;
  /**
   * Where in this node's log each generation of this entry begins; kept by the engine. Put `[]` for a new entry or a new
   * copy (it then begins at the end of the log), else carry it over.
   */
  readonly reigns: readonly Reign[];
}

export interface Reign {
  readonly generation: bigint;
  /** Changes of this generation and later come after this sequence of this node's log. */
  readonly after: bigint;
  /** This node was primary: index and sequence are the same. */
  readonly own: boolean;
}

export interface StoredDrop extends Segment {
  readonly id: string;
  readonly keyspace: string;
  readonly removed: number;
}

/** Sees what works before it in the queue did, and what it did itself. */
export interface Txn {
  entries(): readonly StoredEntry[];
  entryAt(keyspace: string, position: bigint): StoredEntry | null;
  /** The entry of exactly this segment. */
  entry(keyspace: string, segment: Segment): StoredEntry | null;
  /** The entries that hold a part of the segment, in order. O(log n) and the number found. */
  entriesIn(keyspace: string, segment: Segment): readonly StoredEntry[];
  /**
   * Adds an entry, or replaces the one of exactly this segment. Throws `entry-overlaps` when it overlaps another entry
   * or a drop that has not ended.
   */
  putEntry(entry: StoredEntry): void;
  /** Deletes the entry of exactly this segment and its cursor; rows and log stay. Throws `entry-unknown`. */
  deleteEntry(keyspace: string, segment: Segment): void;
  /**
   * Splits the entry that holds `at` into `[lo, at)` and `[at, hi)`; ownership, link, floor, reigns and cursor go to both.
   * Nothing happens when an entry starts at `at`. Throws `entry-unknown`.
   */
  splitEntry(keyspace: string, at: bigint): void;

  /** Position of the last change of the entry starting at `lo` that is held here: accepted (primary) or applied (follower). */
  cursor(keyspace: string, lo: bigint): LogPosition | null;
  /** Null forgets it. Throws `entry-unknown`. */
  setCursor(keyspace: string, lo: bigint, at: LogPosition | null): void;

  getRow(keyspace: string, place: Place): Buffer | null;
  /** Row only, no log and no cursor: for the rows of a snapshot. The buffers must not change until the work's promise settles. */
  putRow(keyspace: string, place: Place, value: Buffer): void;
  deleteRow(keyspace: string, place: Place): void;

  /**
   * Row, log record and cursor of the entry together. `at` null: this node is primary, the change gets
   * `{generation of the entry, next sequence}`; throws `not-primary` when its ownership says otherwise. Else the position
   * its primary gave it. Throws `out-of-order` unless the position is after the entry's cursor, `entry-unknown` when no entry
   * holds the place, `key-too-long`, `value-too-large`. Returns the change's position.
   */
  change(change: Change, at: LogPosition | null): LogPosition;

  /**
   * The same for several changes of one entry that are one step of its history, all at one position. Their records follow each
   * other in the log and have that position; whoever reads it takes all of them or none. At least one.
   */
  changeTogether(changes: readonly Change[], at: LogPosition): void;

  /** The last sequence given out. */
  lastSequence(): bigint;

  /**
   * Deletes rows of the segment, at most `limit`, without log. Returns how many; fewer than `limit` means
   * none are left. Keep `limit` at 5,000 or less: all of it is one transaction.
   */
  wipe(keyspace: string, segment: Segment, limit: number): number;

  /** Records a drop. Throws `entry-overlaps` while an entry or another drop holds part of the segment: delete the entry first, in the same work. */
  startDrop(id: string, keyspace: string, segment: Segment): void;

  /** Documents of named tables; plain JSON values, `bigint` allowed. */
  document<T>(table: string, id: string): T | null;
  documents<T>(table: string): { readonly id: string; readonly value: T }[];
  putDocument(table: string, id: string, value: unknown): void;
  deleteDocument(table: string, id: string): void;
}

/** Everything of one commit. Methods throw `view-closed` after `close`. Buffers returned are the caller's. */
export interface View {
  get(keyspace: string, place: Place): Buffer | null;
  entries(): readonly StoredEntry[];
  entryAt(keyspace: string, position: bigint): StoredEntry | null;
  cursor(keyspace: string, lo: bigint): LogPosition | null;
  /** The last sequence in the log as of this view. */
  readonly lastSequence: bigint;

  /**
   * A page of rows of the segment, in order, after `after` (exclusive; it may lie outside of the segment). Ends at `maxRows`, or
   * with the row that reaches `maxBytes` (keys and values). `done`: the segment has no more. Synchronous: 2,000 rows are about 2 ms.
   */
  scan(
    keyspace: string,
    segment: Segment,
    after: Place | null,
    limit: { rows: number; bytes: number },
  ): RowPage;

  /**
   * Log records with sequence > `after`, in order, of the segment (null: all). `limit.records` bounds the records looked at, `limit.bytes`
   * those returned. Go on from `through`; when it equals `lastSequence` there are no more.
   */
  changes(
    after: bigint,
    of: { readonly keyspace: string; readonly segment: Segment } | null,
    limit: { records: number; bytes: number },
  ): ChangePage;

  /** Digest of at most `maxRows` rows after `after`. Equal rows give equal digests on any engine. Gives way to the event loop. */
  digest(
    keyspace: string,
    segment: Segment,
    after: Place | null,
    maxRows: number,
  ): Promise<DigestChunk>;

  /** Rows and bytes (keys and values) in `buckets` equal widths of the segment, and in all. Gives way to the event loop. */
  histogram(keyspace: string, segment: Segment, buckets: number): Promise<Histogram>;

  close(): void;
}

export interface RowPage {
  readonly rows: Row[];
  readonly done: boolean;
}

export interface ChangePage {
  readonly changes: LoggedChange[];
  /** Everything up to and including this sequence was looked at. */
  readonly through: bigint;
}

export interface DigestChunk {
  readonly rows: number;
  readonly bytes: number;
  /** 16 hex digits. */
  readonly digest: string;
  /** Last place of the chunk when more follows, else null. */
  readonly next: Place | null;
}

export interface Histogram extends Segment {
  readonly rows: number;
  readonly bytes: number;
  readonly buckets: readonly {
    readonly lo: bigint;
    readonly hi: bigint;
    readonly rows: number;
    readonly bytes: number;
  }[];
}
