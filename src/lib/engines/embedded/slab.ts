/** One allocation for many rows: an ArrayBuffer for each would halve the speed of a scan. */
const SLAB_BYTES = 1 << 17;
let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let used = 0;

/** Short-lived use: a small part that is kept keeps the whole slab. */
export function copyToSlab(source: Uint8Array, start: number, length: number): Buffer {
  const bytes = new Uint8Array(source.buffer, source.byteOffset + start, length);
  if (length > SLAB_BYTES / 4) return Buffer.from(bytes);
  if (used + length > SLAB_BYTES) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  slab.set(bytes, used);
  used += length;
  return slab.subarray(used - length, used);
}
