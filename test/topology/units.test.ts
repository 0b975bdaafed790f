import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as units from "../../src/lib/topology/units.js";

const value = <T>(reading: units.Reading<T>): T => {
  if (!reading.ok) throw new Error(reading.problem);
  return reading.value;
};

describe("units as people write them", () => {
  test.each([
    [units.readCount, "120M", 120_000_000n],
    [units.readCount, "30k", 30_000n],
    [units.readCount, "30K", 30_000n],
    [units.readCount, "1.5k", 1_500n],
    [units.readCount, "42", 42n],
    [units.readCount, "18446744073709551615", 18446744073709551615n],
    [units.readBytes, "128GiB", 137_438_953_472n],
    [units.readBytes, "128 GiB", 137_438_953_472n],
    [units.readBytes, "1.5KiB", 1_536n],
    [units.readBytes, "1TB", 1_000_000_000_000n],
    [units.readBitsPerSecond, "10Gbps", 10_000_000_000n],
    [units.readBytesPerSecond, "200MB/s", 200_000_000n],
    [units.readDuration, "500ms", 500n],
    [units.readDuration, "10m", 600_000n],
    [units.readDuration, "1.5h", 5_400_000n],
    [units.readDuration, "0", 0n],
  ])("%o reads %s as %s", (read, text, expected) => {
    expect(read(text)).toEqual({ ok: true, value: expected });
  });

  test("percentages are 0..100", () => {
    expect(value(units.readPercent("10%"))).toBe(10);
    expect(value(units.readPercent("0.5%"))).toBe(0.5);
    expect(value(units.readPercent("100%"))).toBe(100);
  });

  test("a segment holds its start and not its end", () => {
    expect(value(units.readSegment("0..4000M"))).toEqual({ lo: 0n, hi: 4_000_000_000n });
    expect(value(units.readSegment("9007199254740993..18446744073709551616"))).toEqual({
      lo: 9007199254740993n,
      hi: 1n << 64n,
    });
  });

  test.each([
    [units.readCount, "-1"],
    [units.readCount, "1.5"],
    [units.readCount, "1e3"],
    [units.readCount, "0x10"],
    [units.readCount, ""],
    [units.readCount, " "],
    [units.readCount, "M"],
    [units.readCount, "1 2"],
    [units.readCount, "12constructor"],
    [units.readCount, "9".repeat(1000)],
    [units.readCount, "١٢"],
    [units.readBytes, "128Gib"],
    [units.readBytes, "1.0000001kB"],
    [units.readDuration, "30"],
    [units.readPercent, "0.1"],
    [units.readPercent, "101%"],
    [units.readRatio, "-1"],
    [units.readRatio, "NaN"],
    [units.readSegment, "5..5"],
    [units.readSegment, "6..5"],
    [units.readSegment, "0..18446744073709551617"],
    [units.readSegment, "0..1..2"],
    [units.readSegment, "..5"],
  ])("%o refuses %j with a problem and a hint", (read, text) => {
    const reading = read(text);
    expect(reading).toMatchObject({ ok: false });
    expect(reading).toHaveProperty("problem", expect.stringMatching(/\S/));
    expect(reading).toHaveProperty("hint", expect.stringMatching(/\S/));
  });

  test("the wrong case of a unit is recognised", () => {
    expect(units.readBytes("128gib")).toMatchObject({ hint: "did you mean 128GiB?" });
  });
});

describe("what is written reads back as the same", () => {
  const uint64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  const positive = fc.bigInt({ min: 1n, max: 1n << 60n });
  test.each([
    [units.formatCount, units.readCount],
    [units.formatBytes, units.readBytes],
    [units.formatBitsPerSecond, units.readBitsPerSecond],
    [units.formatBytesPerSecond, units.readBytesPerSecond],
    [units.formatDuration, units.readDuration],
  ])("%o and %o", (format, read) => {
    const round = fc
      .tuple(positive, fc.constantFrom(1n, 1000n, 1024n, 60_000n, 1n << 30n))
      .map(([n, f]) => n * f);
    fc.assert(
      fc.property(fc.oneof(uint64, round), (n) => {
        expect(value(read(format(n)))).toBe(n);
      }),
    );
  });

  test("segments, exactly up to 2^64", () => {
    fc.assert(
      fc.property(uint64, uint64, (a, b) => {
        const segment = a < b ? { lo: a, hi: b } : { lo: b, hi: a + 1n };
        expect(value(units.readSegment(units.formatSegment(segment)))).toEqual(segment);
      }),
    );
  });

  test("whatever the text, a reader answers", () => {
    const readers = [
      units.readCount,
      units.readBytes,
      units.readDuration,
      units.readPercent,
      units.readRatio,
      units.readSegment,
    ];
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 40 }),
        fc.constantFrom(...readers),
        (text, read) => {
          expect(read(text)).toHaveProperty("ok");
        },
      ),
    );
  });
});
