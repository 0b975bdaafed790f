import { expect, test } from "vitest";
import { chooseReader, readerOrder, type Place } from "../../src/lib/routing/readers.js";
import type { Reader, RouteSegment } from "../../src/lib/routing/table.js";
import { TABLE } from "./table.js";

const USERS = Array.from({ length: 20_000 }, (_, i) => BigInt(i));
const SH_A: Place = { region: "sh", set: "sh-a" };

function segment(...readers: [string, number][]): RouteSegment {
  const list: Reader[] = readers.map(([node, weight]) => ({ node, weight }));
  return { lo: 0n, hi: 100n, shard: "p0", writer: "tj-1", generation: 1n, readers: list };
}

/** Share of the users whose reads go to each node. */
function shares(of: RouteSegment, client: Place): Record<string, number> {
  const out: Record<string, number> = {};
  for (const uid of USERS) {
    const node = chooseReader(of, client, uid, TABLE.nodes);
    out[node] = (out[node] ?? 0) + 1 / USERS.length;
  }
  return out;
}

test("reads stay in the client's set, else in its region, else go anywhere", () => {
  const everywhere = segment(["sh-1", 100], ["sh-2", 100], ["sz-1", 100]);
  expect(Object.keys(shares(everywhere, SH_A))).toEqual(["sh-1"]);
  expect(Object.keys(shares(everywhere, { region: "sh", set: "sh-z" })).toSorted()).toEqual([
    "sh-1",
    "sh-2",
  ]);
  expect(Object.keys(shares(everywhere, { region: "tj", set: "tj-a" })).toSorted()).toEqual([
    "sh-1",
    "sh-2",
    "sz-1",
  ]);
});

test("a copy promoted to 1 % gets 1 % of the reads, also where it is the only near one", () => {
  const share = shares(segment(["sh-1", 1], ["sz-1", 99]), SH_A);
  expect(share["sh-1"]).toBeGreaterThan(0.006);
  expect(share["sh-1"]).toBeLessThan(0.014);
});

test("old and new copies in one set share its reads by weight", () => {
  const share = shares(segment(["sh-2", 10], ["sh-1", 90]), { region: "sh", set: "sh-z" });
  expect(share["sh-2"]).toBeGreaterThan(0.08);
  expect(share["sh-2"]).toBeLessThan(0.12);
});

test("a user keeps the same reader", () => {
  const both = segment(["sh-1", 50], ["sh-2", 50]);
  const client = { region: "sh", set: "sh-z" };
  const first = USERS.slice(0, 500).map((uid) => chooseReader(both, client, uid, TABLE.nodes));
  expect(USERS.slice(0, 500).map((uid) => chooseReader(both, client, uid, TABLE.nodes))).toEqual(
    first,
  );
});

test("without any weight the writer is read", () => {
  expect(chooseReader(segment(["sh-1", 0]), SH_A, 1n, TABLE.nodes)).toBe("tj-1");
  expect(readerOrder(segment(["sh-1", 0]), SH_A, 1n, TABLE.nodes)).toEqual(["tj-1"]);
});

test("a reader that the table has no address of is passed over", () => {
  expect(readerOrder(segment(["gone", 100], ["sz-1", 100]), SH_A, 1n, TABLE.nodes)).toEqual([
    "sz-1",
    "tj-1",
  ]);
});

test("when the chosen reader fails the next are tried from near to far, the writer last", () => {
  const order = readerOrder(
    segment(["sz-1", 100], ["sh-2", 100], ["sh-1", 100]),
    SH_A,
    1n,
    TABLE.nodes,
  );
  expect(order).toEqual(["sh-1", "sh-2", "sz-1", "tj-1"]);
});
