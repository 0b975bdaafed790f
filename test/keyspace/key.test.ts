import fc from "fast-check";
import { expect, test } from "vitest";
import { OpsError } from "../../src/lib/errors.js";
import { hashUid } from "../../src/lib/keyspace/hash.js";
import { formatKey, parseKey, parseUid, positionOf } from "../../src/lib/keyspace/key.js";

test("a key is a uid, or a uid and a name that may hold slashes", () => {
  expect(parseKey("0")).toEqual({ uid: 0n, name: null });
  expect(parseKey("123/avatar")).toEqual({ uid: 123n, name: "avatar" });
  expect(parseKey("18446744073709551615/a/b")).toEqual({ uid: 18446744073709551615n, name: "a/b" });
});

test.each([
  ["", "no uid"],
  ["/avatar", "no uid"],
  ["007", "leading zeros"],
  ["-1", "a sign"],
  ["+1", "a sign"],
  ["1e3", "no plain decimal"],
  ["1.0", "no plain decimal"],
  ["0x10", "no plain decimal"],
  [" 1", "a space"],
  ["1\n", "a line end"],
  ["\u0661", "another script's digits"],
  ["18446744073709551616", "2^64"],
  ["99999999999999999999999", "far too large"],
  ["5/", "an empty name"],
  ["5/a\0b", "a NUL"],
  ["5/\ud800", "half a character"],
  [`5/${"x".repeat(513)}`, "a name of 513 bytes"],
  [`5/${"é".repeat(257)}`, "a name of 514 bytes"],
])("%j is no key: %s", (text) => {
  expect(() => parseKey(text)).toThrow(OpsError);
  expect(() => parseKey(text)).toThrow(expect.objectContaining({ code: "bad-key", exit: 64 }));
});

test("a name may have exactly 512 bytes", () => {
  expect(parseKey(`5/${"é".repeat(256)}`).name).toHaveLength(256);
});

test("a message about a huge key stays short", () => {
  expect(() => parseKey("9".repeat(1e6))).toThrow(/^.{1,200}$/);
});

test("a key that was written is read back", () => {
  const keys = fc.record({
    uid: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    name: fc.option(
      fc
        .string({ unit: "binary", minLength: 1, maxLength: 100 })
        .filter((name) => !name.includes("\0")),
    ),
  });
  fc.assert(
    fc.property(keys, (key) => {
      expect(parseKey(formatKey(key))).toEqual(key);
    }),
  );
});

test("a uid is strict on its own as well", () => {
  expect(parseUid("42")).toBe(42n);
  expect(parseUid("042")).toBeNull();
  expect(parseUid("42/x")).toBeNull();
});

test("ranges place a user at the uid, hashing at xxh64 of its eight bytes", () => {
  expect(positionOf("range", 42n)).toBe(42n);
  expect(positionOf("consistent-hash", 42n)).toBe(hashUid(42n));
  // xxh64 with seed 0 of eight zero bytes, from the reference implementation.
  expect(hashUid(0n)).toBe(0x34c96acdcadb1bbbn);
});

test("a uid beyond 64 bits has no hash", () => {
  expect(() => hashUid(2n ** 64n)).toThrow(RangeError);
  expect(() => hashUid(-1n)).toThrow(RangeError);
});
