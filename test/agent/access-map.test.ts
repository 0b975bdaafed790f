import { expect, test } from "vitest";
import { POSITION_END } from "../../src/lib/keyspace/segment.js";
import { AccessMap } from "../../src/lib/agent/server/access-map.js";

const MINUTE = 60_000;

function total(values: Float64Array): number {
  return values.reduce((all, one) => all + one, 0);
}

/** `perSecond` accesses a second of 100 bytes each, for some time. */
function use(
  map: AccessMap,
  perSecond: number,
  from: number,
  to: number,
  position: (i: number) => bigint,
): void {
  for (let i = 0; i < ((to - from) * perSecond) / 1_000; i += 1)
    map.record("p", position(i), 100, from + (i * 1_000) / perSecond);
}

test("a steady rate is found where it is, from the first minute on", () => {
  const map = new AccessMap(0);
  // Four of five in the lower half.
  use(map, 250, 0, MINUTE, (i) => BigInt(i % 5 === 0 ? 1_000 + (i % 10) : i % 100));
  const { ops, traffic } = map.rates("p", { lo: 0n, hi: 2_000n }, 20, MINUTE);
  expect(ops[0]).toBeCloseTo(200, -1);
  expect(ops[10]).toBeCloseTo(50, -1);
  expect(total(ops)).toBeCloseTo(ops[0]! + ops[10]!, 6);
  expect(traffic[0]).toBeCloseTo(100 * ops[0]!, 3);
  expect(map.seconds(MINUTE)).toBe(60);
});

test("what was used long ago counts for little", () => {
  const map = new AccessMap(0);
  use(map, 100, 0, 10 * MINUTE, () => 5n);
  const rate = (minute: number) =>
    total(map.rates("p", { lo: 0n, hi: 10n }, 1, minute * MINUTE).ops);
  expect(rate(10)).toBeCloseTo(100, -1);
  expect(rate(15)).toBeCloseTo(100 / Math.E, -1);
  use(map, 100, 200 * MINUTE, 201 * MINUTE, () => 6n);
  expect(total(map.rates("p", { lo: 5n, hi: 6n }, 1, 201 * MINUTE).ops)).toBeLessThan(0.01);
});

test("parts of a segment have the rates that it had, however it is cut", () => {
  const map = new AccessMap(0);
  use(map, 500, 0, MINUTE, (i) => BigInt((i * 7_919) % 1_000));
  const of = (lo: bigint, hi: bigint) => total(map.rates("p", { lo, hi }, 8, MINUTE).ops);
  expect(of(0n, 333n) + of(333n, 700n) + of(700n, 1_000n)).toBeCloseTo(of(0n, 1_000n), 6);
});

test.each([
  ["a range", (i: number) => BigInt(i) * 50n, { lo: 0n, hi: 10_000_000n }],
  [
    "hashes",
    (i: number) => BigInt.asUintN(64, BigInt(i) * 0x9e3779b97f4a7c15n),
    { lo: 0n, hi: POSITION_END },
  ],
])(
  "%s of 200,000 positions: bounded counters, at least 1,024 of them useful",
  (_what, position, all) => {
    const map = new AccessMap(0);
    for (let i = 0; i < 200_000; i += 1) map.record("p", position(i), 10, i / 4);
    const { ops } = map.rates("p", all, 1_024, 50_000);
    const mean = total(ops) / ops.length;
    expect(mean).toBeGreaterThan(0);
    expect(Math.max(...ops)).toBeLessThan(1.6 * mean);
    expect(Math.min(...ops)).toBeGreaterThan(0.4 * mean);
  },
);

test("after most of a keyspace has moved away, what is left is seen finely again", () => {
  const map = new AccessMap(0);
  for (let i = 0; i < 100_000; i += 1) map.record("p", BigInt(i) * 1_000n, 1, i / 10);
  // Two hours later only the lowest thousand positions are used, half of them.
  const later = 120 * MINUTE;
  for (let round = 0; round < 40; round += 1)
    for (let i = 0; i < 500; i += 1) map.record("p", BigInt(i), 1, later + round * 40 * MINUTE);
  const { ops } = map.rates("p", { lo: 0n, hi: 1_000n }, 2, later + 39 * 40 * MINUTE);
  expect(ops[0]).toBeGreaterThan(50 * ops[1]!);
});

test("a keyspace that nobody used has no rates", () => {
  const map = new AccessMap(0);
  expect([...map.rates("q", { lo: 0n, hi: 10n }, 2, 1_000).ops]).toEqual([0, 0]);
});
