import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashUid } from "../../src/lib/keyspace/hash.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { authority, type Nodes, startNodes, type TestNode } from "./nodes.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";

const NAMES = ["", "/avatar", "/ключ", "/表情/small"];
const DOMAIN = 2_000n;
const END = 1n << 64n;
const QUARTER = END / 4n;

let nodes: Nodes;
let a: TestNode;
let b: TestNode;
let c: TestNode;

/** Who writes what: `p` in order of uids, `h` around the ring, where `a` comes twice. */
const RANGES = { p: [0n, 400n, 700n, 1_000n, DOMAIN], h: [0n, QUARTER, 3n * QUARTER, END] };
const writers = () => ({ p: [a, a, b, c], h: [a, b, a] });

beforeAll(async () => {
  nodes = await startNodes("a", "b", "c");
  [a, b, c] = nodes.all as [TestNode, TestNode, TestNode];
  for (const keyspace of ["p", "h"] as const) {
    const sharding = keyspace === "p" ? "range" : "consistent-hash";
    const bounds = RANGES[keyspace];
    for (const [i, node] of writers()[keyspace].entries())
      await node.must({ kind: "init", keyspace, lo: bounds[i]!, hi: bounds[i + 1]!, sharding });
  }
  for (const keyspace of ["p", "h"] as const)
    for (const key of keys(keyspace)) {
      const at = keyspace === "p" ? uidOf(key) : hashUid(uidOf(key));
      const i = RANGES[keyspace].findLastIndex((lo) => lo <= at);
      const path = key.split("/").map(encodeURIComponent).join("/");
      const node = writers()[keyspace][i]!;
      const answer = await node.data(path, { method: "PUT", body: `of ${key}` }, keyspace);
      if (answer.status !== 204) throw new Error(await answer.text());
    }
}, 180_000);
afterAll(async () => nodes.stop(), 180_000);

const uidOf = (key: string) => BigInt(key.split("/")[0]!);

/** Keys of users on both sides of every bound, sorted as they are stored. */
function keys(keyspace: "p" | "h"): string[] {
  const uids =
    keyspace === "p"
      ? [0n, 7n, 399n, 400n, 699n, 700n, 999n, 1_000n, 1_500n, DOMAIN - 1n]
      : Array.from({ length: 24 }, (_, i) => BigInt(i) * 1_000n);
  const place = (uid: bigint) => (keyspace === "p" ? uid : hashUid(uid));
  return uids
    .toSorted((x, y) => (place(x) < place(y) ? -1 : 1))
    .flatMap((uid) => NAMES.map((name) => `${uid}${name}`));
}

interface Page {
  readonly keys: string[];
  readonly next: string | null;
  /** The headers. */
  readonly goOn: string | null;
  readonly owner: string | null;
}

async function ask(
  url: string,
  keyspace: string,
  query: Record<string, string>,
): Promise<Page | { status: number; code: string }> {
  const answer = await fetch(`${url}/v1/data/${keyspace}?${new URLSearchParams(query).toString()}`);
  if (answer.status !== 200)
    return { status: answer.status, code: ((await answer.json()) as { code: string }).code };
  const lines = (await answer.text()).trimEnd().split("\n");
  const rows = lines.map((line) => JSON.parse(line) as { key: string; value: string });
  for (const { key, value } of rows.slice(0, -1))
    expect(Buffer.from(value, "base64").toString()).toBe(`of ${key}`);
  return {
    keys: rows.slice(0, -1).map(({ key }) => key),
    next: (rows.at(-1) as unknown as { next: string | null }).next,
    goOn: answer.headers.get("ops-next"),
    owner: answer.headers.get("ops-next-owner"),
  };
}

/** Reads a range as a client does that knows one agent, page by page, and goes where it is told. */
async function walk(start: TestNode, keyspace: string, query: Record<string, string>) {
  const found: string[] = [];
  const visited = [start.name];
  let [url, from] = [start.url, query["from"]];
  for (let left = 200; left > 0; left -= 1) {
    const page = await ask(url, keyspace, { ...query, ...(from === undefined ? {} : { from }) });
    if ("status" in page) throw new Error(JSON.stringify(page));
    found.push(...page.keys);
    if (page.next === null) {
      expect(page.goOn).toBeNull();
      return { found, visited };
    }
    from = page.next;
    if (page.goOn === null) continue;
    expect(page.goOn).toBe(page.next);
    url = page.owner!;
    visited.push(nodes.all.find((node) => node.url === url)!.name);
  }
  throw new Error("the walk does not end");
}

async function publish(keyspace: "p" | "h"): Promise<void> {
  const bounds = RANGES[keyspace];
  const at = { region: "east", set: "east-1-a" };
  const table: RouteTable = {
    keyspace,
    sharding: keyspace === "p" ? "range" : "consistent-hash",
    domain: { lo: 0n, hi: bounds.at(-1)! },
    version: 1,
    settings: DEFAULT_SETTINGS,
    nodes: Object.fromEntries(nodes.all.map(({ name, url }) => [name, { url, ...at }])),
    segments: writers()[keyspace].map((node, i) => ({
      lo: bounds[i]!,
      hi: bounds[i + 1]!,
      shard: `s${i}`,
      writer: node.name,
      generation: 1n,
      readers: [{ node: node.name, weight: 100 }],
    })),
  };
  for (const node of nodes.all)
    await node.api.putRoutes(table, { ...authority, scope: `keyspace/${keyspace}` });
}

describe("a range that a node holds a part of", () => {
  test("is answered up to where that part ends, over all segments of it, and says where it ended", async () => {
    expect(await ask(a.url, "p", { from: "7", to: "1500" })).toEqual({
      keys: keys("p").filter((key) => uidOf(key) >= 7n && uidOf(key) < 700n),
      next: "700",
      goOn: "700",
      owner: null,
    });
    // It knows no routes yet: not even where the keyspace ends.
    expect(await ask(c.url, "p", { from: "1500" })).toMatchObject({ next: "2000", goOn: "2000" });
  });

  test("is refused where nothing is held at its start, even if its end is", async () => {
    for (const from of ["1000", "699"])
      expect(await ask(b.url, "p", { from, to: "2000" })).toEqual({
        status: 421,
        code: "wrong-node",
      });
  });

  test("names who holds the rest once the node has the routes, and ends with the keyspace", async () => {
    await publish("p");
    expect(await ask(a.url, "p", { from: "7" })).toMatchObject({ goOn: "700", owner: b.url });
    expect(await ask(b.url, "p", { from: "700" })).toMatchObject({ goOn: "1000", owner: c.url });
    expect(await ask(c.url, "p", { from: "1500" })).toMatchObject({
      keys: keys("p").filter((key) => uidOf(key) >= 1_500n),
      next: null,
      goOn: null,
    });
    // Nothing of it is at another node.
    expect(await ask(a.url, "p", { from: "7", to: "700" })).toMatchObject({
      next: null,
      goOn: null,
    });
  });

  test("goes on at the same node while a page is full, without the headers", async () => {
    const first = await ask(a.url, "p", { to: "1500", limit: "3" });
    expect(first).toMatchObject({ next: `0/${keys("p")[2]!}`, goOn: null, owner: null });
  });

  test.each([1, 3, 7, 10_000])(
    "is read to its end by who follows, %i rows at a time, without gap or repetition",
    async (limit) => {
      expect(await walk(a, "p", { limit: String(limit) })).toEqual({
        found: keys("p"),
        visited: ["a", "b", "c"],
      });
      const some = { from: "400", to: "1001", limit: String(limit) };
      expect(await walk(a, "p", some)).toEqual({
        found: keys("p").filter((key) => uidOf(key) >= 400n && uidOf(key) <= 1_000n),
        visited: ["a", "b", "c"],
      });
    },
  );

  test("ends before a copy that is not complete", async () => {
    const source = { node: "gone", url: "http://127.0.0.1:9" };
    const copy = { link: "ranges", purpose: "replica", bytesPerSecond: null, source } as const;
    await a.must({ kind: "link", lo: 700n, hi: 1_000n, sharding: "range", ...copy });
    expect(await ask(a.url, "p", { from: "699" })).toMatchObject({ next: "700", goOn: "700" });
    expect(await ask(a.url, "p", { from: "700" })).toEqual({ status: 503, code: "not-readable" });
  });
});

describe("a range of a hashed keyspace", () => {
  test("is one of the ring, in order of the hashes: a node's part ends with its piece of it", async () => {
    await publish("h");
    const ring = keys("h");
    const before = (end: bigint) => ring.filter((key) => hashUid(uidOf(key)) < end);
    expect(await ask(a.url, "h", {})).toEqual({
      keys: before(QUARTER),
      next: String(QUARTER),
      goOn: String(QUARTER),
      owner: b.url,
    });
    for (const limit of ["1", "5", "1000"])
      expect(await walk(a, "h", { limit })).toEqual({ found: ring, visited: ["a", "b", "a"] });
  });

  test("is not one of uids, and a `next` of another place is refused", async () => {
    const [key] = keys("h");
    const at = hashUid(uidOf(key!));
    const page = await ask(a.url, "h", { from: String(at), to: String(at + 1n) });
    expect(page).toMatchObject({ keys: keys("h").slice(0, NAMES.length), next: null });
    const other = await ask(a.url, "h", { from: `${uidOf(key!)}/${key!}` });
    expect(other).toEqual({ status: 400, code: "bad-request" });
  });
});
