import type { LogPosition } from "../../ownership/types.js";
import { type Frame, REASONS, TYPE } from "./frames.js";

/** Larger frames are refused: a value is at most 1 MiB, and of `changes` a source sends no more than a few. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

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

function readPosition(from: Buffer, offset: number): LogPosition {
  return {
    generation: from.readBigUInt64BE(offset),
    index: from.readBigUInt64BE(offset + 8),
  };
}
