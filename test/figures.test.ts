import { expect, test } from "vitest";
import {
  aboutText,
  bytesText,
  countText,
  durationText,
  groupedText,
  plural,
  spreadText,
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

test.each([
  [0, "0s"],
  [-5, "0s"],
  [0.02, "0s"],
  [4.23, "4.2ms"],
  [9.97, "10ms"],
  [55.8, "56ms"],
  [999.6, "1s"],
  [3_449, "3.4s"],
  [30_000, "30s"],
  [59_700, "1m 00s"],
  [125_000, "2m 05s"],
  [4_320_000, "1h 12m"],
  [273_600_000, "3d 4h"],
  [Infinity, "unknown"],
])("a time of %s ms is %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test.each([
  [[12.4], "12ms"],
  [[30, 10], "median 10ms, longest 30ms"],
  [[2_000, 5, 70], "median 70ms, longest 2s"],
])("times of %j ms lie at %s", (times, text) => {
  expect(spreadText(times)).toBe(text);
});

test.each([
  [1, "1 copy"],
  [0, "0 copies"],
  [1_285, "1,285 copies"],
])("%s of a thing: %s", (n, text) => {
  expect(plural(n, "copy", "copies")).toBe(text);
});

test("a time between two is told coarsely, the longer one upwards", () => {
  expect(aboutText(0, 0)).toBe("about 1s");
  expect(aboutText(3_900, 4_100)).toBe("about 4s to 5s");
  expect(aboutText(44_000, 45_000)).toBe("about 45s");
  expect(aboutText(170_000, 290_000)).toBe("about 3m 00s to 5m 00s");
  expect(aboutText(60_000, 3_600_000)).toBe("about 1m 00s to 1h 00m");
  expect(aboutText(100, 36_000_000)).toBe("about 10m 00s to 10h 00m");
});
