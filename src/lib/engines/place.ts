import type { Place } from "./contract.js";

/** A DataView reads a bigint in one step; Buffer builds it from two halves, several times slower. */
const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

/** @param position uint64 @param key `{uid}` or `{uid}/{name}` */
export function placeOf(position: bigint, key: string): Place {
  const place = Buffer.allocUnsafe(8 + Buffer.byteLength(key));
  scratch.setBigUint64(0, position);
  place.set(scratchBytes);
  place.write(key, 8);
  return place;
}

export function positionOf(place: Place): bigint {
  for (let i = 0; i < 8; i += 1) scratchBytes[i] = place[i] ?? 0;
  return scratch.getBigUint64(0);
}

export function keyOf(place: Place): string {
  return place.toString("utf8", 8);
}
