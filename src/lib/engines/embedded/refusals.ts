import { EXIT, OpsError } from "../../errors.js";
import type { Segment } from "../../keyspace/segment.js";
import type { LogPosition } from "../../ownership/types.js";
import type { EngineLimits, Place, StoredEntry } from "../contract.js";

export function checkRow(
  { keyBytes, valueBytes }: EngineLimits,
  keyspace: string,
  place: Place,
  value: Buffer | null,
): void {
  const key = place.length - 8;
  if (key < 1 || key > keyBytes) {
    throw new OpsError(
      "key-too-long",
      EXIT.refused,
      `a key has 1 to ${keyBytes} bytes; one of ${keyspace} has ${key}`,
    );
  }
  if (value !== null && value.length > valueBytes) {
    throw new OpsError(
      "value-too-large",
      EXIT.refused,
      `a value has up to ${valueBytes} bytes; one of ${keyspace} has ${value.length}`,
    );
  }
}

export function checkSegment({ lo, hi }: Segment): void {
  if (lo >= 0n && lo < hi && hi <= 1n << 64n) return;
  throw new OpsError("segment-invalid", EXIT.refused, `[${lo}, ${hi}) is not a segment`);
}

export function overlaps(
  keyspace: string,
  segment: Segment,
  what: string,
  other: Segment,
): OpsError {
  return new OpsError(
    "entry-overlaps",
    EXIT.refused,
    `${keyspace} [${segment.lo}, ${segment.hi}) overlaps ${what} at [${other.lo}, ${other.hi})`,
  );
}

export function unknownEntry(keyspace: string, position: bigint): OpsError {
  return new OpsError(
    "entry-unknown",
    EXIT.refused,
    `this node has no entry for ${keyspace} at ${position}`,
  );
}

export function notPrimary({ keyspace, lo, hi }: StoredEntry): OpsError {
  return new OpsError(
    "not-primary",
    EXIT.refused,
    `this node is not the primary of ${keyspace} [${lo}, ${hi})`,
  );
}

export function outOfOrder(
  { keyspace, lo }: StoredEntry,
  at: LogPosition,
  held: LogPosition,
): OpsError {
  return new OpsError(
    "out-of-order",
    EXIT.refused,
    `${keyspace} at ${lo} is at ${held.generation}.${held.index}; ${at.generation}.${at.index} does not come after it`,
  );
}
