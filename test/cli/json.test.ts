import { expect, test } from "vitest";
import { toJson, wantsJson } from "../../src/lib/cli/json.js";

test("bigints are decimal strings, wherever they are", () => {
  const value = { at: 2n ** 64n - 1n, log: { generation: 3n }, list: [1n] };
  expect(toJson(value)).toBe('{"at":"18446744073709551615","log":{"generation":"3"},"list":["1"]}');
});

test.each([
  [["plan", "--json"], true],
  [["plan"], false],
  [["plan", "--", "--json"], false],
  [["plan", "--json", "--", "x"], true],
])("%j asks for JSON: %s", (argv, wanted) => {
  expect(wantsJson(argv)).toBe(wanted);
});
