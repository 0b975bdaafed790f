import { setImmediate } from "node:timers/promises";
import xxhash, { type XXHash } from "xxhash-wasm";
import type { DigestChunk, Place } from "./contract.js";

/** Rows between two turns of the event loop: about 1 ms. */
const PAGE = { rows: 2_000, bytes: 1 << 20 };
const BLOCK_BYTES = 1 << 16;
const HEADER_BYTES = 8;
/** Longer than any place. */
const PLACE_BYTES = 1 << 10;

const hasher = xxhash();

/** Puts the next page of rows into `digest`, in order. Returns whether the segment has no more. */
export type DigestPage = (
  digest: RowDigest,
  after: Place | null,
  limit: { rows: number; bytes: number },
) => boolean;

export async function digestRows(
  page: DigestPage,
  after: Place | null,
  maxRows: number,
): Promise<DigestChunk> {
  const digest = new RowDigest((await hasher).create64());
  for (;;) {
    const rows = Math.min(PAGE.rows, maxRows - digest.rows);
    const done = page(digest, digest.last ?? after, { rows, bytes: PAGE.bytes });
    if (done || digest.rows >= maxRows) {
      const { last, bytes } = digest;
      return { rows: digest.rows, bytes, digest: digest.end(), next: done ? null : last };
    }
    await setImmediate();
  }
}

/**
 * XXH64 over `length of place, length of value (uint32, little endian), place, value` of each row in order. Lengths make it
 * unambiguous; order needs no sorting, for rows have one order everywhere. Copies nothing but into its block: a scan may show
 * each row in memory that it uses again for the next.
 */
export class RowDigest {
  /** So far. `bytes`: keys and values. */
  rows = 0;
  bytes = 0;
  readonly #hash: XXHash<bigint>;
  readonly #block = Buffer.allocUnsafe(BLOCK_BYTES);
  #filled = 0;
  readonly #place = Buffer.allocUnsafe(PLACE_BYTES);
  #placeLength = 0;

  constructor(hash: XXHash<bigint>) {
    this.#hash = hash;
  }

  /** The place of the last row, null before any. */
  get last(): Place | null {
    return this.rows === 0 ? null : Buffer.from(this.#place.subarray(0, this.#placeLength));
  }

  /** The place of the next row: `source[start, end)`. */
  place(source: Uint8Array, start: number, end: number): void {
    // Shorter than what a native copy pays off for.
    for (let i = start; i < end; i += 1) this.#place[i - start] = source[i]!;
    this.#placeLength = end - start;
  }

  /** Its value: the first `length` bytes of `source`. */
  value(source: Uint8Array, length: number): void {
    const head = HEADER_BYTES + this.#placeLength;
    if (this.#filled + head + length > BLOCK_BYTES) this.#flush();
    const block = this.#block;
    const at = this.#filled;
    block.writeUInt32LE(this.#placeLength, at);
    block.writeUInt32LE(length, at + 4);
    for (let i = 0; i < this.#placeLength; i += 1) block[at + HEADER_BYTES + i] = this.#place[i]!;
    this.#filled += head;
    const bytes = new Uint8Array(source.buffer, source.byteOffset, length);
    if (head + length > BLOCK_BYTES) {
      this.#flush();
      this.#hash.update(bytes);
    } else {
      block.set(bytes, this.#filled);
      this.#filled += length;
    }
    this.rows += 1;
    this.bytes += this.#placeLength - 8 + length;
  }

  /** 16 hex digits. Call it once. */
  end(): string {
    this.#flush();
    return this.#hash.digest().toString(16).padStart(16, "0");
  }

  #flush(): void {
    this.#hash.update(this.#block.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
