/** A place in a keyspace: the uid itself (range sharding) or a 64-bit hash of it. An unsigned 64-bit integer. */
export type Position = bigint;

/** One past the largest position. */
export const POSITION_END = 1n << 64n;

/** A half-open interval `[lo, hi)` of positions, `0 <= lo < hi <= 2^64`. */
export interface Segment {
  readonly lo: Position;
  readonly hi: Position;
}
