import { EXIT, OpsError } from "../errors.js";
import { quote } from "../quote.js";
import { hashUid } from "./hash.js";
import { POSITION_END, type Position } from "./segment.js";

export type Sharding = "range" | "consistent-hash";

/** A key as written: `{uid}` or `{uid}/{name}`. All keys of a user share one position. */
export interface Key {
  readonly uid: bigint;
  readonly name: string | null;
}

/** Longest name, in UTF-8 bytes. */
const NAME_BYTES_MAX = 512;

const UID = /^(?:0|[1-9][0-9]{0,19})$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const encoder = new TextEncoder();

/** A uid written in decimal, strictly: digits only, no leading zeros, below 2^64. Null for anything else. */
export function parseUid(text: string): bigint | null {
  if (!UID.test(text)) return null;
  const uid = BigInt(text);
  return uid < POSITION_END ? uid : null;
}

/**
 * Reads `{uid}` or `{uid}/{name}`. The name may hold further slashes; it has 1 to 512 UTF-8 bytes and no NUL.
 * Throws OpsError `bad-key` (exit 64).
 */
export function parseKey(text: string): Key {
  const slash = text.indexOf("/");
  const uidText = slash < 0 ? text : text.slice(0, slash);
  const uid = parseUid(uidText);
  if (uid === null) {
    throw badKey(
      `uid ${quote(uidText)} is not a decimal number from 0 to 18446744073709551615 without leading zeros`,
    );
  }
  if (slash < 0) return { uid, name: null };
  const name = text.slice(slash + 1);
  if (name === "") throw badKey(`key ${quote(text)} ends in a slash: the name is empty`);
  if (name.includes("\0")) throw badKey(`key ${quote(text)} holds a NUL character`);
  if (LONE_SURROGATE.test(name)) throw badKey(`key ${quote(text)} is not valid Unicode`);
  // A UTF-16 unit makes at least one byte, so a long name is refused before it is encoded.
  if (name.length > NAME_BYTES_MAX || encoder.encode(name).length > NAME_BYTES_MAX) {
    throw badKey(`the name in key ${quote(text)} is longer than ${NAME_BYTES_MAX} bytes`);
  }
  return { uid, name };
}

/** The text that `parseKey` reads. */
export function formatKey(key: Key): string {
  return key.name === null ? key.uid.toString() : `${key.uid}/${key.name}`;
}

/** Where the keys of a user lie: the uid itself, or its 64-bit hash. */
export function positionOf(sharding: Sharding, uid: bigint): Position {
  return sharding === "range" ? uid : hashUid(uid);
}

function badKey(message: string): OpsError {
  return new OpsError("bad-key", EXIT.usage, message, {
    hint: "A key is UID or UID/NAME, for example 10001/avatar.",
  });
}
