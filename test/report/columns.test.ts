import { expect, test } from "vitest";
import { columns } from "../../src/lib/report/columns.js";

test("rows stand in columns as wide as their widest cell; a column without anything is left out", () => {
  const rows = [
    ["a", "", "one"],
    ["bbb", "", "two"],
  ];
  expect(columns(rows, 80)).toBe("a    one\nbbb  two");
  expect(columns([], 80)).toBe("");
});

test("the last column is wrapped where the row is too wide", () => {
  const readers = "readers sh-db-1 100, sz-db-1 100, tj-db-1 100";
  const rows = [
    ["", "[0, 100)", "writer sh-db-1", readers],
    ["", "[100, 200000)", "writer tj-db-1", "reads go to the writer"],
  ];
  expect(columns(rows, 60).split("\n")).toEqual([
    "  [0, 100)       writer sh-db-1  readers sh-db-1 100,",
    "                                 sz-db-1 100, tj-db-1 100",
    "  [100, 200000)  writer tj-db-1  reads go to the writer",
  ]);
});

test("rows that fit into no columns are wrapped lines, each with its first column to the left", () => {
  const rows = [["", "x".repeat(40), "follower 0", "from tj-db-1", "streaming, lag up to 92ms"]];
  expect(columns(rows, 60).split("\n")).toEqual([
    `  ${"x".repeat(40)}  follower 0`,
    "      from tj-db-1  streaming, lag up to 92ms",
  ]);
});
