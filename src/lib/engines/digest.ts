import { setImmediate } from "node:timers/promises";
import xxhash from "xxhash-wasm";
import type { Segment } from "../keyspace/segment.js";
import type { DigestChunk, Place, View } from "./contract.js";

/** Rows between two turns of the event loop: about 2 ms. */
const PAGE = { rows: 2_000, bytes: 1 << 20 };
const BLOCK_BYTES = 1 << 16;

const hasher = xxhash();

/**
 * XXH64 over `length of place, length of value (uint32, little endian), place, value` of each row in order. Lengths make it
 * unambiguous; order needs no sorting, for rows have one order everywhere.
 */
export async function digestRows(
  view: Pick<View, "scan">,
  keyspace: string,
  segment: Segment,
  after: Place | null,
  maxRows: number,
): Promise<DigestChunk> {
  const hash = (await hasher).create64();
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let filled = 0;
  let rows = 0;
  let bytes = 0;
  let last = after;
  for (;;) {
    const page = view.scan(keyspace, segment, last, {
      rows: Math.min(PAGE.rows, maxRows - rows),
      bytes: PAGE.bytes,
    });
    for (const { place, value } of page.rows) {
      const size = 8 + place.length + value.length;
      if (filled + size > BLOCK_BYTES) {
        hash.update(block.subarray(0, filled));
        filled = 0;
      }
      block.writeUInt32LE(place.length, filled);
      block.writeUInt32LE(value.length, filled + 4);
      block.set(place, filled + 8);
      if (size > BLOCK_BYTES) {
        hash.update(block.subarray(0, 8 + place.length));
        hash.update(value);
      } else {
        block.set(value, filled + 8 + place.length);
        filled += size;
      }
      bytes += place.length - 8 + value.length;
      last = place;
    }
    rows += page.rows.length;
    if (page.done || rows >= maxRows) {
      hash.update(block.subarray(0, filled));
      return {
        rows,
        bytes,
        digest: hash.digest().toString(16).padStart(16, "0"),
        next: page.done ? null : last,
      };
    }
    await setImmediate();
  }
}
