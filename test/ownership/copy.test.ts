import { describe, expect, test } from "vitest";
import {
  acceptsFrame,
  chunkPinned,
  chunkStored,
  copyFinished,
  logReaches,
  newCopy,
  readable,
  type Copying,
} from "../../src/lib/ownership/copy.js";
import { ORIGIN } from "../../src/lib/ownership/position.js";
import type { LogPosition } from "../../src/lib/ownership/types.js";

const at = (index: bigint): LogPosition => ({ generation: 1n, index });

describe("a copy", () => {
  const first = chunkStored(chunkPinned(newCopy() as Copying, at(5n)), "k1");
  const second = chunkStored(chunkPinned(first, at(9n)), "k2");

  test("goes on from its key, on a newer snapshot", () => {
    expect(second).toEqual({ phase: "copying", first: at(5n), last: at(9n), key: "k2" });
  });
  test("replays from the first snapshot, and is readable from the last", () => {
    const { copy, cursor } = copyFinished(second);
    expect(cursor).toEqual(at(5n));
    expect(readable(copy, at(8n))).toBe(false);
    expect(readable(copy, at(9n))).toBe(true);
  });
  test("is not readable before all rows are here", () => {
    expect(readable(second, at(100n))).toBe(false);
  });
  test("of an empty range still pins once", () => {
    expect(copyFinished(chunkPinned(newCopy() as Copying, ORIGIN)).cursor).toEqual(ORIGIN);
    expect(() => copyFinished(newCopy() as Copying)).toThrow(/before its first chunk/);
  });
  test("starts again when the log no longer reaches back to it", () => {
    expect(logReaches(at(5n), at(5n))).toBe(true);
    expect(logReaches(at(6n), at(5n))).toBe(false);
  });
});

describe("a frame", () => {
  const frame = { link: "l", prev: at(4n), position: at(5n) };
  test("is applied if it is the next one of this link", () => {
    expect(acceptsFrame(at(4n), "l", frame)).toBe(true);
  });
  test.each([
    ["came before", at(5n), "l", frame],
    ["leaves a gap", at(3n), "l", frame],
    ["belongs to another link", at(4n), "other", frame],
    ["goes nowhere", at(4n), "l", { ...frame, position: at(4n) }],
  ] as const)("is not if it %s", (_, cursor, link, given) => {
    expect(acceptsFrame(cursor, link, given)).toBe(false);
  });
});
