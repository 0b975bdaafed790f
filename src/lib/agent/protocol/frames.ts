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

const TYPE = {
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

const REASONS: readonly UnservedReason[] = ["trimmed", "not-held", "not-readable", "ahead"];

/** Larger frames are refused: a value is at most 1 MiB, and of `changes` a source sends no more than a few. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** Of a `change` frame, without place and value. */
const CHANGE_BYTES = 44;

/** The length of a `change` frame. */
export function changeBytes({ place, value }: { place: Buffer; value: Buffer | null }): number {
  return CHANGE_BYTES + place.length + (value?.length ?? 0);
}

export function encodeFrame(frame: Frame): Buffer {
  switch (frame.type) {
    case "pinned": {
      const out = start(frame.type, 16);
      writePosition(out, 5, frame.at);
      return out;
    }
    case "row":
      return encodeRows([frame]);
    case "page-end": {
      const out = start(frame.type, 1);
      out[5] = frame.complete ? 1 : 0;
      return out;
    }
    case "change": {
      const { place, value } = frame;
      const out = start(frame.type, 4 + 32 + 1 + 2 + place.length + (value?.length ?? 0));
      out.writeUInt32BE(frame.segment, 5);
      writePosition(out, 9, frame.prev);
      writePosition(out, 25, frame.at);
      out[41] = value === null ? 0 : 1;
      out.writeUInt16BE(place.length, 42);
      place.copy(out, 44);
      value?.copy(out, 44 + place.length);
      return out;
    }
    case "changes":
      return encodeChanges(frame);
    case "moved": {
      const out = start(frame.type, 4 + 32);
      out.writeUInt32BE(frame.segment, 5);
      writePosition(out, 9, frame.prev);
      writePosition(out, 25, frame.at);
      return out;
    }
    case "progress": {
      const out = start(frame.type, 16 + 12 * frame.stale.length);
      out.writeBigUInt64BE(frame.sent, 5);
      out.writeBigUInt64BE(frame.head, 13);
      frame.stale.forEach(({ segment, lagMs }, i) => {
        out.writeUInt32BE(segment, 21 + 12 * i);
        out.writeDoubleBE(lagMs ?? Number.NaN, 25 + 12 * i);
      });
      return out;
    }
    case "split": {
      const out = start(frame.type, 12);
      out.writeUInt32BE(frame.segment, 5);
      out.writeBigUInt64BE(frame.at, 9);
      return out;
    }
    case "unserved": {
      const out = start(frame.type, 5);
      out.writeUInt32BE(frame.segment, 5);
      out[9] = REASONS.indexOf(frame.reason);
      return out;
    }
    case "offer": {
      const { handed } = frame;
      const text = Buffer.from(JSON.stringify([handed.to, handed.attempt, handed.token]));
      const out = start(frame.type, 4 + 8 + 16 + text.length);
      out.writeUInt32BE(frame.segment, 5);
      out.writeBigUInt64BE(handed.generation, 9);
      writePosition(out, 17, handed.position);
      text.copy(out, 33);
      return out;
    }
  }
}

/** The length of a `changes` frame. */
export function changesBytes(
  changes: readonly { readonly place: Buffer; readonly value: Buffer | null }[],
): number {
  let length = 53;
  for (const { place, value } of changes) length += 7 + place.length + (value?.length ?? 0);
  return length;
}

function encodeChanges(frame: Extract<Frame, { type: "changes" }>): Buffer {
  const { segment, prev, at, after, of, changes } = frame;
  const out = start(frame.type, changesBytes(changes) - 5);
  out.writeUInt32BE(segment, 5);
  writePosition(out, 9, prev);
  writePosition(out, 25, at);
  out.writeBigUInt64BE(after, 41);
  out.writeUInt32BE(of, 49);
  let offset = 53;
  for (const { place, value } of changes) {
    out.writeUInt16BE(place.length, offset);
    out[offset + 2] = value === null ? 0 : 1;
    out.writeUInt32BE(value?.length ?? 0, offset + 3);
    place.copy(out, offset + 7);
    value?.copy(out, offset + 7 + place.length);
    offset += 7 + place.length + (value?.length ?? 0);
  }
  return out;
}

function decodeChanges(body: Buffer): { place: Buffer; value: Buffer | null }[] {
  const changes: { place: Buffer; value: Buffer | null }[] = [];
  for (let offset = 49; offset < body.length;) {
    const value = offset + 7 + body.readUInt16BE(offset);
    const end = value + body.readUInt32BE(offset + 3);
    changes.push({
      place: body.subarray(offset + 7, value),
      value: body[offset + 2] === 1 ? body.subarray(value, end) : null,
    });
    offset = end;
  }
  return changes;
}

/** The `row` frames of a page in one buffer. */
export function encodeRows(rows: readonly { place: Buffer; value: Buffer }[]): Buffer {
  let length = 0;
  for (const { place, value } of rows) length += 7 + place.length + value.length;
  const out = Buffer.allocUnsafe(length);
  let offset = 0;
  for (const { place, value } of rows) {
    out.writeUInt32BE(3 + place.length + value.length, offset);
    out[offset + 4] = TYPE.row;
    out.writeUInt16BE(place.length, offset + 5);
    place.copy(out, offset + 7);
    offset += 7 + place.length;
    value.copy(out, offset);
    offset += value.length;
  }
  return out;
}

function start(type: Frame["type"], bodyLength: number): Buffer {
  const out = Buffer.allocUnsafe(5 + bodyLength);
  out.writeUInt32BE(1 + bodyLength, 0);
  out[4] = TYPE[type];
  return out;
}

function writePosition(out: Buffer, offset: number, at: LogPosition): void {
  out.writeBigUInt64BE(at.generation, offset);
  out.writeBigUInt64BE(at.index, offset + 8);
}

function readPosition(from: Buffer, offset: number): LogPosition {
  return {
    generation: from.readBigUInt64BE(offset),
    index: from.readBigUInt64BE(offset + 8),
  };
}

/** Cuts a byte stream into frames. The buffers of a frame may share memory with the chunk they came in. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;
  /** So many bytes hold the next frame whole. */
  #needed = 4;

  /** The frames that are complete with this chunk. Throws on a frame that no source of this version sends. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return [];
    const data = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const frames: Frame[] = [];
    let offset = 0;
    this.#needed = 4;
    while (data.length - offset >= 4) {
      const length = data.readUInt32BE(offset);
      if (length < 1 || length > MAX_FRAME_BYTES) throw new Error(`a frame of ${length} bytes`);
      if (data.length - offset - 4 < length) {
        this.#needed = 4 + length;
        break;
      }
      frames.push(decode(data.subarray(offset + 4, offset + 4 + length)));
      offset += 4 + length;
    }
    this.#chunks = [data.subarray(offset)];
    this.#length = data.length - offset;
    return frames;
  }
}

function decode(body: Buffer): Frame {
  switch (body[0]) {
    case TYPE.pinned:
      return { type: "pinned", at: readPosition(body, 1) };
    case TYPE.row: {
      const end = 3 + body.readUInt16BE(1);
      return { type: "row", place: body.subarray(3, end), value: body.subarray(end) };
    }
    case TYPE["page-end"]:
      return { type: "page-end", complete: body[1] === 1 };
    case TYPE.change: {
      const end = 40 + body.readUInt16BE(38);
      return {
        type: "change",
        segment: body.readUInt32BE(1),
        prev: readPosition(body, 5),
        at: readPosition(body, 21),
        place: body.subarray(40, end),
        value: body[37] === 1 ? body.subarray(end) : null,
      };
    }
    case TYPE.changes:
      return {
        type: "changes",
        segment: body.readUInt32BE(1),
        prev: readPosition(body, 5),
        at: readPosition(body, 21),
        after: body.readBigUInt64BE(37),
        of: body.readUInt32BE(45),
        changes: decodeChanges(body),
      };
    case TYPE.moved:
      return {
        type: "moved",
        segment: body.readUInt32BE(1),
        prev: readPosition(body, 5),
        at: readPosition(body, 21),
      };
    case TYPE.progress: {
      const stale: { segment: number; lagMs: number | null }[] = [];
      for (let at = 17; at < body.length; at += 12) {
        const lagMs = body.readDoubleBE(at + 4);
        stale.push({ segment: body.readUInt32BE(at), lagMs: Number.isNaN(lagMs) ? null : lagMs });
      }
      return {
        type: "progress",
        sent: body.readBigUInt64BE(1),
        head: body.readBigUInt64BE(9),
        stale,
      };
    }
    case TYPE.split:
      return { type: "split", segment: body.readUInt32BE(1), at: body.readBigUInt64BE(5) };
    case TYPE.unserved: {
      const reason = REASONS[body[5] ?? -1];
      if (reason === undefined) throw new Error("an unknown reason");
      return { type: "unserved", segment: body.readUInt32BE(1), reason };
    }
    case TYPE.offer: {
      const [to, attempt, token] = JSON.parse(body.toString("utf8", 29)) as [
        string,
        string,
        string,
      ];
      return {
        type: "offer",
        segment: body.readUInt32BE(1),
        handed: {
          to,
          attempt,
          token,
          generation: body.readBigUInt64BE(5),
          position: readPosition(body, 13),
        },
      };
    }
    default:
      throw new Error(`a frame of the unknown type ${String(body[0])}`);
  }
}
