import { describe, expect, test } from "vitest";
import {
  ageText,
  bytesText,
  countText,
  durationText,
  groupedText,
  secondsText,
} from "../src/lib/figures.js";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [150 * 1024, "150 KiB"],
  [1n << 62n, "4.0 EiB"],
])("%s bytes are %s", (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test.each([
  [999, "999"],
  [12_300_000n, "12.3M"],
  [680_000, "680k"],
])("the number %s is %s", (count, text) => {
  expect(countText(count)).toBe(text);
});

test.each([
  [999, "999"],
  [1_234_567, "1,234,567"],
])("%s in full is %s", (n, text) => {
  expect(groupedText(n)).toBe(text);
});

describe("a time", () => {
  test.each([
    [12.4, "12 ms"],
    [3_449, "3.4s"],
    [59_700, "1m 00s"],
    [125_000, "2m 05s"],
    [4_320_000, "1h 12m"],
    [Infinity, "unknown"],
  ])("of %s ms that was measured is %s", (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  test.each([
    [0, "0s"],
    [44.2, "45s"],
    [750, "12m 30s"],
    [11_100, "3h 05m"],
  ])("of %s s that is expected is %s", (seconds, text) => {
    expect(secondsText(seconds)).toBe(text);
  });

  test.each([
    [-5, "0 ms"],
    [12_900, "12 s"],
    [185_000, "3 min 05 s"],
    [7_800_000, "2 h 10 min"],
    [273_600_000, "3 d 4 h"],
  ])("of %s ms that has gone by is %s", (ms, text) => {
    expect(ageText(ms)).toBe(text);
  });
});
