import type { RootDatabase, Transaction } from "lmdb";
import type { KeyEncoder, RowKey } from "./keys.js";

/** Gets each row in memory that lmdb-js uses again for the next: take what is needed at once. */
export interface RowSink {
  place(source: Uint8Array, start: number, end: number): void;
  value(source: Uint8Array, length: number): void;
}

const NOWHERE: RowSink = { place: () => undefined, value: () => undefined };

interface Shown {
  getRange(range: {
    readonly start: RowKey;
    readonly end: RowKey;
    readonly transaction: Transaction;
  }): Iterable<unknown>;
}

/**
 * The table of rows once more, read without a copy and without an object for each row: a digest looks at every byte once, and
 * with copies it would spend half of its time on them.
 */
export class ShownRows {
  readonly #rows: Shown;
  #sink: RowSink | null = null;

  constructor(root: RootDatabase<Buffer, string>, name: string, keys: KeyEncoder<RowKey>) {
    const keyEncoder = {
      writeKey: (key: RowKey, target: Buffer, start: number) => keys.writeKey(key, target, start),
      readKey: (source: Uint8Array, start: number, end: number) =>
        this.#sink!.place(source, start + 2, end),
    };
    const encoder = {
      encode: (value: Buffer) => value,
      // `bytes.length` is the value's, whatever the size of the memory.
      decode: (bytes: Uint8Array) => this.#sink!.value(bytes, bytes.length),
    };
    const options = { cache: false, keyEncoder, encoder };
    this.#rows = root.openDB(name, options) as unknown as Shown;
  }

  /** Shows rows of the range in order until `enough` says so after one. Returns whether there are no more. */
  show(
    range: { start: RowKey; end: RowKey; transaction: Transaction },
    sink: RowSink,
    enough: () => boolean,
  ): boolean {
    this.#sink = sink;
    try {
      const rows = this.#rows.getRange(range)[Symbol.iterator]();
      try {
        while (!rows.next().done) {
          if (!enough()) continue;
          this.#sink = NOWHERE;
          return rows.next().done === true;
        }
        return true;
      } finally {
        rows.return?.();
      }
    } finally {
      this.#sink = null;
    }
  }
}
