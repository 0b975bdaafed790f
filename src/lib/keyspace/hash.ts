import xxhash from "xxhash-wasm";
import { POSITION_END, type Position } from "./segment.js";

const xx = await xxhash();

/** xxh64 of the uid written as 8 bytes, big-endian. Hashes of different seeds are independent; positions are those of seed 0. */
export function hashUid(uid: bigint, seed = 0n): Position {
  if (uid < 0n || uid >= POSITION_END)
    throw new RangeError(`uid ${uid} is not an unsigned 64-bit integer`);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, uid);
  return xx.h64Raw(bytes, seed);
}

/** xxh64 (seed 0) of a text's UTF-8 bytes: the token of a virtual node on the ring. */
export function hashText(text: string): Position {
  return xx.h64(text);
}
