import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { open, type RootDatabase, type Transaction } from "lmdb";
import { type KeyEncoder, ROW_KEYS, type RowKey, SEQUENCES, TEXTS } from "./keys.js";
import { ShownRows } from "./shown-rows.js";
import { copyToSlab } from "./slab.js";

export interface Range<K> {
  readonly start: K;
  readonly end?: K;
  readonly limit?: number;
  readonly reverse?: boolean;
  readonly values?: boolean;
  readonly transaction?: Transaction;
}

/** The part of an lmdb-js database that is used here, with the key types of our encoders. */
export interface Table<K> {
  put(key: K, value: Buffer): unknown;
  remove(key: K): unknown;
  /** A buffer of its own. */
  getBinary(key: K, more?: { transaction: Transaction }): Buffer | undefined;
  /** Values, and the places in row keys, share a slab of memory: short-lived use. Leave by `break` or the end, never abandon it: it pins its snapshot. */
  getRange(range: Range<K>): Iterable<{ key: K; value: Buffer }>;
  getKeys(range: Range<K>): Iterable<K>;
  getStats(): TableStats & {
    root: TableStats;
    mapSize: number;
    lastPageNumber: number;
    free: TableStats;
  };
  useReadTransaction(): Transaction;
}

export interface TableStats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
  readonly entryCount: number;
}

export interface Tables {
  readonly root: RootDatabase<Buffer, string>;
  readonly rows: Table<RowKey>;
  /** The same rows, for reading without a copy: a digest looks at each once. */
  readonly shownRows: ShownRows;
  /** By sequence. */
  readonly log: Table<bigint>;
  /** Entries, cursors, drops, keyspaces, documents: small things, by text. */
  readonly state: Table<string>;
}

/**
 * `overlappingSync` would resolve a commit before its flush and show it to readers. Without `eventTurnBatching` a transaction is
 * exactly one `batch()`: one that fails in any part is aborted as a whole.
 */
export function openTables(directory: string): Tables {
  mkdirSync(directory, { recursive: true });
  const root = open<Buffer, string>({
    path: directory,
    noSubdir: false,
    maxDbs: 4,
    maxReaders: 1_024,
    overlappingSync: false,
    eventTurnBatching: false,
    cache: false,
    encoding: "binary",
  });
  const table = <K>(name: string, keyEncoder: KeyEncoder<K>): Table<K> => {
    const encoder = { encode: (value: Buffer) => value, decode: intoSlab };
    const options = { cache: false, keyEncoder, encoder };
    return root.openDB(name, options) as unknown as Table<K>;
  };
  const tables = {
    root,
    rows: table("rows", ROW_KEYS),
    shownRows: new ShownRows(root, "rows", ROW_KEYS),
    log: table("log", SEQUENCES),
    state: table("state", TEXTS),
  };
  // LMDB flushes its files, not the folder that names them.
  syncFolder(directory);
  syncFolder(dirname(resolve(directory)));
  return tables;
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** lmdb-js reuses `bytes` for the next read, and overrides its `length`. */
function intoSlab(bytes: Uint8Array): Buffer {
  return copyToSlab(bytes, 0, bytes.length);
}
