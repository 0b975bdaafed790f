import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { following, reigning } from "../../src/lib/ownership/permissions.js";
import {
  comparePositions,
  formatPosition,
  knownGeneration,
  ORIGIN,
  parsePosition,
  reached,
} from "../../src/lib/ownership/position.js";

const uint64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const position = fc.record({ generation: uint64, index: uint64 });

describe("positions", () => {
  test("a later generation is later, whatever the index", () => {
    expect(comparePositions({ generation: 2n, index: 1n }, { generation: 1n, index: 900n })).toBe(
      1,
    );
  });

  test("are in one order, the same as of the pairs", () => {
    fc.assert(
      fc.property(position, position, (a, b) => {
        const whole = (p: typeof a) => (p.generation << 64n) | p.index;
        const sign = whole(a) < whole(b) ? -1 : whole(a) > whole(b) ? 1 : 0;
        expect(comparePositions(a, b)).toBe(sign);
        expect(reached(a, b)).toBe(sign >= 0);
      }),
    );
  });

  test("are read back as they were written", () => {
    fc.assert(
      fc.property(position, (p) => {
        expect(parsePosition(formatPosition(p))).toEqual(p);
      }),
    );
    expect(formatPosition({ generation: 3n, index: 18271n })).toBe("3.18271");
  });

  test.each([
    "",
    "3",
    "3.",
    ".1",
    "3.1.1",
    "-1.2",
    "03.1",
    "3.1 ",
    "3,1",
    "0x1.1",
    "3.18446744073709551616",
    "9".repeat(99),
  ])("%j is none", (text) => expect(() => parsePosition(text)).toThrow(/Not a log position/));
});

test("a node knows of a reign by its own record or by an entry of it", () => {
  expect(knownGeneration(reigning(3n), ORIGIN)).toBe(3n);
  expect(knownGeneration(following("S"), { generation: 5n, index: 1n })).toBe(5n);
});
