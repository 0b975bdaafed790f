import { expect, test } from "vitest";
import { checkTable } from "../../src/lib/routing/check.js";
import { routeLines } from "../../src/lib/routing/lines.js";
import { makeTable } from "../../src/lib/routing/make.js";
import {
  decodeTable,
  encodeTable,
  routesAnswer,
  type RouteTableWire,
} from "../../src/lib/routing/wire.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { TABLE } from "./table.js";

const copy = (): RouteTableWire => JSON.parse(JSON.stringify(encodeTable(TABLE))) as RouteTableWire;

test("a table survives JSON", () => {
  expect(decodeTable(copy())).toEqual(TABLE);
  expect(routesAnswer.parse({ v: 1, etag: "x", tables: [copy()] }).tables).toEqual([TABLE]);
});

test("a table of an earlier version has the usual settings", () => {
  const { settings: _, ...older } = copy();
  expect(decodeTable(older).settings).toEqual({ ack: "local", syncWindowMs: 0 });
});

test("fields that a newer agent adds are ignored", () => {
  expect(decodeTable({ ...copy(), more: 1 })).toEqual(TABLE);
});

test.each([
  ["a number for a position", { segments: [{ ...copy().segments[0], lo: 0 }, copy().segments[1]] }],
  ["a sign", { domain: { lo: "-0", hi: "200" } }],
  ["a position beyond 2^64", { domain: { lo: "0", hi: "18446744073709551617" } }],
  ["an empty domain", { domain: { lo: "0", hi: "0" } }],
  ["a gap", { segments: copy().segments.slice(1) }],
  [
    "a weight of 101",
    {
      segments: copy().segments.map((one) => ({
        ...one,
        readers: [{ node: "sh-1", weight: 101 }],
      })),
    },
  ],
  ["no version", { version: undefined }],
])("a table with %s is refused", (_what, change) => {
  const table = { ...copy(), ...change };
  expect(() => decodeTable(table)).toThrow(
    expect.objectContaining({ code: "bad-route-table", exit: 3 }),
  );
  expect(routesAnswer.safeParse({ v: 1, etag: "x", tables: [table] }).success).toBe(false);
});

function changed(change: Partial<RouteTable>): string[] {
  return checkTable({ ...TABLE, ...change });
}

test("the check names gaps, overlaps, disorder and nodes without an address", () => {
  const [first, second] = TABLE.segments as [RouteTable["segments"][0], RouteTable["segments"][0]];
  expect(changed({})).toEqual([]);
  expect(changed({ segments: [first] })).toEqual(["nobody owns [100, 200)"]);
  expect(changed({ segments: [first, { ...second, lo: 90n }] })).toEqual([
    "[90, 100) is owned more than once",
  ]);
  expect(changed({ segments: [second, first] })).toEqual(["the segments are not sorted"]);
  expect(changed({ segments: [first, { ...second, writer: "gone" }] })).toEqual([
    "segment [100, 200): writer gone is not a node of the table",
  ]);
  expect(changed({ domain: { lo: 0n, hi: 150n } })).toEqual([
    "segment [100, 200) leaves the domain [0, 150)",
  ]);
});

test("a first table is sorted and joined, and refused when it has a gap", () => {
  const [first, second] = TABLE.segments as [RouteTable["segments"][0], RouteTable["segments"][0]];
  const halves = [{ ...first, lo: 50n }, second, { ...first, hi: 50n }];
  expect(makeTable({ ...TABLE, segments: halves })).toEqual(TABLE);
  expect(() => makeTable({ ...TABLE, segments: [first] })).toThrow(
    expect.objectContaining({ code: "bad-route-table" }),
  );
});

test("the configuration lines name everything, one line a node and a segment", () => {
  const [first, second] = TABLE.segments as [RouteTable["segments"][0], RouteTable["segments"][0]];
  const text = routeLines([{ ...TABLE, segments: [first, { ...second, readers: [] }] }]);
  const lines = text.trimEnd().split("\n");
  const places = Object.entries(TABLE.nodes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { url, region, set }]) => `node ${id} ${url} ${region} ${set}`);
  expect(lines).toEqual([
    ...places,
    "profile 0 100 p0 w=sh-1 g=3 r=sh-1:100,sz-1:100",
    "profile 100 200 p1 w=tj-1 g=1 r=-",
  ]);
});
