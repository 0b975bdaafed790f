import { EXIT, OpsError } from "../errors.js";
import type { Durable, LogPosition } from "./types.js";

/** Before the first entry of any history. */
export const ORIGIN: LogPosition = Object.freeze({ generation: 0n, index: 0n });

/** Negative if `a` is before `b`, 0 if equal, positive if after. By generation, then index. */
export function comparePositions(a: LogPosition, b: LogPosition): number {
  if (a.generation !== b.generation) return a.generation < b.generation ? -1 : 1;
  if (a.index !== b.index) return a.index < b.index ? -1 : 1;
  return 0;
}

/** Whether a copy whose cursor is `cursor` holds everything up to `goal`. */
export function reached(cursor: LogPosition, goal: LogPosition): boolean {
  return comparePositions(cursor, goal) >= 0;
}

/** `"3.18271"`, as in headers. */
export function formatPosition(position: LogPosition): string {
  return `${position.generation}.${position.index}`;
}

const POSITION = /^(0|[1-9][0-9]{0,19})\.(0|[1-9][0-9]{0,19})$/;
const UINT64_MAX = (1n << 64n) - 1n;

/** The inverse of `formatPosition`. Throws `OpsError` `bad-position` for anything else; both parts are unsigned 64-bit. */
export function parsePosition(text: string): LogPosition {
  const match = POSITION.exec(text);
  const position = match && { generation: BigInt(match[1]!), index: BigInt(match[2]!) };
  if (position && position.generation <= UINT64_MAX && position.index <= UINT64_MAX)
    return position;
  throw new OpsError(
    "bad-position",
    EXIT.usage,
    `Not a log position: ${JSON.stringify(text.slice(0, 64))}.`,
    { hint: "Write GENERATION.INDEX, for example 3.18271." },
  );
}

/** The highest generation that a node can prove has begun: its own record, or an entry that it holds. */
export function knownGeneration(durable: Durable, cursor: LogPosition): bigint {
  return durable.generation > cursor.generation ? durable.generation : cursor.generation;
}
