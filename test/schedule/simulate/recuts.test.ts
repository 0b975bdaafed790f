import { expect, test } from "vitest";
import { POSITION_END } from "../../../src/lib/keyspace/segment.js";
import { recutsOf } from "../../../src/lib/schedule/simulate/recuts.js";

const WHO = { carrier: "telecom", province: "hebei" };
/** Of sixteen equal parts of all hashes, by a letter each. */
const version = (parts: string) => [
  {
    ...WHO,
    base: Array.from(parts, (value, i) => ({
      lo: (POSITION_END / 16n) * BigInt(i),
      hi: (POSITION_END / 16n) * BigInt(i + 1),
      value,
    })),
  },
];

test("users are told apart by where they belong first, where else, and with which version", () => {
  const versions = ["aaaaaaaabbbbbbbb", "ccaaaaaabbbbbbbb", "ccccaaaabbbbbbbd"].map(version);
  const found = recutsOf(versions, WHO);
  expect(found.toSorted((x, y) => x.when.localeCompare(y.when) || x.share - y.share)).toEqual([
    { home: "a", to: null, when: "000", share: 4 / 16 },
    { home: "b", to: null, when: "000", share: 7 / 16 },
    { home: "b", to: "d", when: "001", share: 1 / 16 },
    { home: "a", to: "c", when: "001", share: 2 / 16 },
    { home: "a", to: "c", when: "011", share: 2 / 16 },
  ]);
});

test("a class that no version has is nobody", () => {
  expect(recutsOf([version("aaaaaaaabbbbbbbb")], { ...WHO, province: "other" })).toEqual([]);
});
