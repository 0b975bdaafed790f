import { expect, test } from "vitest";
import { quote } from "../src/lib/quote.js";

test("a quoted text of a stranger is short and obeyed by no terminal", () => {
  const quoted = quote(`\u001b[31m\u202e${"x".repeat(1000)}`);
  expect(quoted.length).toBeLessThan(100);
  // oxlint-disable-next-line no-control-regex
  expect(quoted).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});
