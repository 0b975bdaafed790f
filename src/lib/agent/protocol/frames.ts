import type { LogPosition } from "../../ownership/types.js";

/**
 * The binary frames of a replication stream: a 4-byte length (of what follows), a type byte, a body.
 * Integers are big endian; a position in a history is two uint64; a place is what the engine sorts rows by.
 */
export type Frame =
  /** A snapshot page begins: where its read transaction is pinned. */
  | { readonly type: "pinned"; readonly at: LogPosition }
  | { readonly type: "row"; readonly place: Buffer; readonly value: Buffer }
  /** The page ends. `complete`: the segment has no more rows. */
  | { readonly type: "page-end"; readonly complete: boolean }
  /** A change of the segment with this index in the request; `prev` is the frame before it of the same segment. */
  | {
      readonly type: "change";
      readonly segment: number;
      readonly prev: LogPosition;
      readonly at: LogPosition;
      readonly place: Buffer;
      /** Null is a delete. */
      readonly value: Buffer | null;
    }
  /**
   * Changes of the segment that are one step, applied together or not at all: what came between `prev` and `at`, of each key the last
   * value. They stand for `of` changes, all of which come after `after` in the source's log.
   */
  | {
      readonly type: "changes";
      readonly segment: number;
      readonly prev: LogPosition;
      readonly at: LogPosition;
      readonly after: bigint;
      readonly of: number;
      readonly changes: readonly { readonly place: Buffer; readonly value: Buffer | null }[];
    }
  /** The source's entry has come from `prev` to `at` without a change of this segment. */
  | {
      readonly type: "moved";
      readonly segment: number;
      readonly prev: LogPosition;
      readonly at: LogPosition;
    }
  /**
   * Everything up to `sent` of the source's log has been sent; `head` is its end. Also keeps an idle stream alive. `stale`: the
   * segments of which the source itself is only a copy, and how stale it may be, ms (null: not known).
   */
  | {
      readonly type: "progress";
      readonly sent: bigint;
      readonly head: bigint;
      readonly stale: readonly { readonly segment: number; readonly lagMs: number | null }[];
    }
  /** The source's entry is split here: split yours and ask again. */
  | { readonly type: "split"; readonly segment: number; readonly at: bigint }
  /** The segment cannot be served: `trimmed` (copy anew), `not-held`, `not-readable`, `ahead` (the target is). */
  | { readonly type: "unserved"; readonly segment: number; readonly reason: UnservedReason }
  /** The source handed this segment to the target. */
  | {
      readonly type: "offer";
      readonly segment: number;
      readonly handed: {
        readonly to: string;
        readonly generation: bigint;
        readonly attempt: string;
        readonly token: string;
        readonly position: LogPosition;
      };
    };

export type UnservedReason = "trimmed" | "not-held" | "not-readable" | "ahead";

/** The type byte. */
export const TYPE = {
  pinned: 1,
  row: 2,
  "page-end": 3,
  change: 4,
  progress: 5,
  split: 6,
  unserved: 7,
  offer: 8,
  moved: 9,
  changes: 10,
} as const;

/** By their byte. */
export const REASONS: readonly UnservedReason[] = ["trimmed", "not-held", "not-readable", "ahead"];

/** Of a `change` frame, without place and value. */
const CHANGE_BYTES = 44;

/** The length of a `change` frame. */
export function changeBytes({ place, value }: { place: Buffer; value: Buffer | null }): number {
  return CHANGE_BYTES + place.length + (value?.length ?? 0);
}

/** The length of a `changes` frame. */
export function changesBytes(
  changes: readonly { readonly place: Buffer; readonly value: Buffer | null }[],
): number {
  let length = 53;
  for (const { place, value } of changes) length += 7 + place.length + (value?.length ?? 0);
  return length;
}
