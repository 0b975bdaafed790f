import { expect, test } from "vitest";
import { table } from "../../src/lib/cli/table.js";

test("a table has no lines, no colour and nothing at the end of a line", () => {
  const text = table(
    ["node", "rows", "state"],
    [
      ["sh-1a", "12", "streaming"],
      ["sz-1a", "1,200", "copying"],
    ],
    { right: [1] },
  );
  expect(text).toBe(
    ["node    rows  state", "sh-1a     12  streaming", "sz-1a  1,200  copying"].join("\n"),
  );
});

test("a line stays within its width: the widest column is wrapped", () => {
  const why = "the copy is throttled because the p99 of the source is above its bound ".repeat(3);
  const lines = table(["node", "why", "for"], [["sh-1a", why, "3s"]]).split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  const words = lines.slice(1).join(" ").split(/\s+/);
  expect(words.filter((word) => word === "throttled")).toHaveLength(3);
});

test("columns stay in line after East Asian characters", () => {
  const lines = table(["where", "n"], [["上海", "1"], ["sh-1a", "2"]]).split("\n"); // prettier-ignore
  expect(lines).toEqual(["where  n", "上海   1", "sh-1a  2"]);
});

test("a table without rows is its heading", () => {
  expect(table(["node", "state"], [])).toBe("node  state");
});
