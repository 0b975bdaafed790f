import type { LogPosition } from "../../ownership/types.js";
import { changesBytes, type Frame, REASONS, TYPE } from "./frames.js";

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
