import { EXIT, OpsError } from "../../errors.js";

/** Keys of the `state` table. Each kind is one range of it. */
export const ENTRIES = "entry/";
export const CURSORS = "cursor/";
export const DROPS = "drop/";
export const KEYSPACES = "keyspace/";
/** Rises with every commit that changes an entry: tells whether the entries in memory are those of a view. */
export const ENTRIES_VERSION = "entries/version";
/** The last sequence given out; written by a trim, which may empty the log. */
export const LOG_LAST = "log/last";

const MAX_ID_BYTES = 512;

export function entryKey(keyspace: string, lo: bigint): string {
  return `${ENTRIES}${keyspace}/${hex(lo)}`;
}

export function cursorKey(keyspace: string, lo: bigint): string {
  return `${CURSORS}${keyspace}/${hex(lo)}`;
}

export function keyspaceKey(keyspace: string): string {
  return KEYSPACES + checkedId(keyspace);
}

export function dropKey(id: string): string {
  return DROPS + checkedId(id);
}

export function tablePrefix(table: string): string {
  if (!/^[a-z][a-z-]{0,31}$/.test(table)) throw new Error(`not a name of a table: ${table}`);
  return `document/${table}/`;
}

export function documentKey(table: string, id: string): string {
  return tablePrefix(table) + checkedId(id);
}

/** The end of the range of a prefix: all end with "/", and "0" comes next. */
export function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}

function checkedId(id: string): string {
  if (id.length > 0 && Buffer.byteLength(id) <= MAX_ID_BYTES) return id;
  throw new OpsError(
    "id-too-long",
    EXIT.usage,
    `a name has 1 to ${MAX_ID_BYTES} bytes, this one has ${Buffer.byteLength(id)}`,
  );
}

function hex(position: bigint): string {
  return position.toString(16).padStart(16, "0");
}
