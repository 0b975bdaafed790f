import type { LogPosition } from "../../ownership/types.js";
import type { Place } from "../contract.js";

/**
 * A record of the log: generation (u64), index (u64), keyspace (u16), operation (u8: 0 delete, 1 put), length of the place (u16),
 * place, value. Big endian.
 */
const HEADER_BYTES = 21;

/** A DataView writes a bigint in one step; Buffer in several. */
const header = new DataView(new ArrayBuffer(HEADER_BYTES));
const headerBytes = new Uint8Array(header.buffer);

export interface LogRecord {
  readonly at: LogPosition;
  readonly keyspace: number;
  readonly place: Place;
  readonly value: Buffer | null;
}

export function encodeRecord(record: LogRecord): Buffer {
  const { at, keyspace, place, value } = record;
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + place.length + (value?.length ?? 0));
  header.setBigUint64(0, at.generation);
  header.setBigUint64(8, at.index);
  header.setUint16(16, keyspace);
  header.setUint8(18, value === null ? 0 : 1);
  header.setUint16(19, place.length);
  bytes.set(headerBytes);
  bytes.set(place, HEADER_BYTES);
  if (value !== null) bytes.set(value, HEADER_BYTES + place.length);
  return bytes;
}

/** Place and value are parts of `bytes`. */
export function decodeRecord(bytes: Buffer): LogRecord {
  for (let i = 0; i < HEADER_BYTES; i += 1) headerBytes[i] = bytes[i] ?? 0;
  const placeEnd = HEADER_BYTES + header.getUint16(19);
  return {
    at: { generation: header.getBigUint64(0), index: header.getBigUint64(8) },
    keyspace: header.getUint16(16),
    place: bytes.subarray(HEADER_BYTES, placeEnd),
    value: bytes[18] === 0 ? null : bytes.subarray(placeEnd),
  };
}

/** JSON in which a `bigint` is `{"$bigint":"123"}`. */
export function encodeJson(value: unknown): Buffer {
  const text = JSON.stringify(value, (_, each: unknown) =>
    typeof each === "bigint" ? { $bigint: each.toString() } : each,
  );
  return Buffer.from(text);
}

export function decodeJson<T>(bytes: Buffer): T {
  return JSON.parse(bytes.toString(), (_, each: unknown) =>
    typeof each === "object" &&
    each !== null &&
    "$bigint" in each &&
    typeof each.$bigint === "string"
      ? BigInt(each.$bigint)
      : each,
  ) as T;
}
