import type { Place } from "../contract.js";
import { copyToSlab } from "./slab.js";

/** Where a row lies in the environment: keyspaces one after the other. */
export interface RowKey {
  /** uint16, given out by this node. */
  readonly keyspace: number;
  readonly place: Place;
}

export interface KeyEncoder<K> {
  writeKey(key: K, target: Buffer, start: number): number;
  readKey(source: Buffer, start: number, end: number): K;
}

export const ROW_KEYS: KeyEncoder<RowKey> = {
  writeKey(key, target, start) {
    target[start] = key.keyspace >> 8;
    target[start + 1] = key.keyspace & 0xff;
    target.set(key.place, start + 2);
    return start + 2 + key.place.length;
  },
  readKey(source, start, end) {
    return {
      keyspace: ((source[start] ?? 0) << 8) | (source[start + 1] ?? 0),
      place: copyToSlab(source, start + 2, end - start - 2),
    };
  },
};

const sequence = new DataView(new ArrayBuffer(8));
const sequenceBytes = new Uint8Array(sequence.buffer);

export const SEQUENCES: KeyEncoder<bigint> = {
  writeKey(key, target, start) {
    sequence.setBigUint64(0, key);
    target.set(sequenceBytes, start);
    return start + 8;
  },
  readKey(source, start) {
    for (let i = 0; i < 8; i += 1) sequenceBytes[i] = source[start + i] ?? 0;
    return sequence.getBigUint64(0);
  },
};

export const TEXTS: KeyEncoder<string> = {
  writeKey: (key, target, start) => start + target.write(key, start),
  readKey: (source, start, end) => source.toString("utf8", start, end),
};
