import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Problem } from "../../src/lib/agent/protocol/problem.js";
import { authority, type Nodes, startNodes, type TestNode } from "./nodes.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";

const MIB = 1024 * 1024;

let nodes: Nodes;
/** Primary of `p` in [0, 1000) and of all of `h`. */
let a: TestNode;
/** Follows `a` in both. */
let b: TestNode;

beforeAll(async () => {
  nodes = await startNodes("a", "b");
  [a, b] = nodes.all as [TestNode, TestNode];
  await a.must({ kind: "init", lo: 0n, hi: 1_000n, sharding: "range" });
  await a.must({ kind: "init", keyspace: "h", lo: 0n, hi: 1n << 64n, sharding: "consistent-hash" });
  const link = { kind: "link", source: a.ref, purpose: "replica", bytesPerSecond: null } as const;
  await b.must({ ...link, lo: 0n, hi: 1_000n, sharding: "range", link: "data-p" });
  await b.must({ kind: "sync", lo: 0n, hi: 1_000n, maxLagMs: 5_000 });
}, 180_000);
afterAll(async () => nodes.stop(), 180_000);

async function problemOf(answer: Response): Promise<Problem> {
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  return (await answer.json()) as Problem;
}

function b64(text: string): string {
  return Buffer.from(text).toString("base64");
}

describe("one key", () => {
  test("is absent, is put, is read as the same bytes, is deleted, is absent", async () => {
    const missing = await a.data("1/life");
    expect(missing.status).toBe(404);
    expect(await problemOf(missing)).toMatchObject({
      status: 404,
      code: "not-found",
      outcome: "none",
      retryable: false,
    });

    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const put = await a.put("1/life", bytes);
    expect(put.headers.get("ops-generation")).toBe("1");
    expect(put.headers.get("ops-position")).toMatch(/^1\.[1-9]\d*$/);
    expect(await put.text()).toBe("");

    const got = await a.data("1/life");
    expect(got.status).toBe(200);
    expect(got.headers.get("content-type")).toBe("application/octet-stream");
    expect(got.headers.get("ops-generation")).toBe("1");
    expect(got.headers.get("ops-position")).toBe(put.headers.get("ops-position"));
    expect(got.headers.has("ops-lag-ms")).toBe(false);
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);

    const removed = await a.data("1/life", { method: "DELETE" });
    expect(removed.status).toBe(204);
    expect(removed.headers.get("ops-position")).not.toBe(put.headers.get("ops-position"));
    expect((await a.data("1/life")).status).toBe(404);
  });

  test("can be deleted when it never was there", async () => {
    const removed = await a.data("2/never", { method: "DELETE" });
    expect(removed.status).toBe(204);
    expect(removed.headers.get("ops-position")).toMatch(/^1\.\d+$/);
  });

  test("may have an empty value, which is not the same as none", async () => {
    await a.put("2/empty", "");
    const got = await a.data("2/empty");
    expect([got.status, await got.text()]).toEqual([200, ""]);
  });

  test.each(["application/json", "text/plain", "application/x-www-form-urlencoded", "image/png"])(
    "is the bytes that were sent, also as %s",
    async (type) => {
      for (const text of ['{"a":1}', "{not json"]) {
        await a.put("2/typed", text, { "content-type": type });
        expect(await (await a.data("2/typed")).text()).toBe(text);
      }
      const [answer] = await a.batch([{ op: "get", key: "2/typed" }], { "content-type": type });
      expect(answer).toMatchObject({ status: 200, value: b64("{not json") });
    },
  );

  test.each(["avatar/small", "ключ", "表情 😀", "100%", "a?b#c&d=e+f", "../..", "%2F", " "])(
    "may be called %s",
    async (name) => {
      const path = `3/${encodeURIComponent(name)}`;
      await a.put(path, `value of ${name}`);
      expect(await (await a.data(path)).text()).toBe(`value of ${name}`);
      const [found] = await a.batch([{ op: "get", key: `3/${name}` }]);
      expect(found).toMatchObject({ status: 200, value: b64(`value of ${name}`) });
    },
  );

  test("is the uid alone, or the uid and a name: two keys", async () => {
    await a.put("4", "bare");
    await a.put("4/x", "named");
    expect(await (await a.data("4")).text()).toBe("bare");
    expect(await (await a.data("4/x")).text()).toBe("named");
  });

  test.each([
    "x",
    "01",
    "-1",
    "1.5",
    "18446744073709551616",
    "1/",
    "5/a%00b",
    `5/${"n".repeat(513)}`,
  ])("is refused as %s with what is wrong with it, and nothing is stored", async (key) => {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await a.data(key, method === "PUT" ? { method, body: "v" } : { method });
      expect(answer.status).toBe(400);
      const problem = await problemOf(answer);
      expect(problem).toMatchObject({ code: "bad-key", outcome: "none" });
      expect(problem.hint).toContain("UID/NAME");
    }
  });

  test("is refused with broken percent-encoding", async () => {
    const answer = await a.data("5/%E0%A4%A");
    expect(answer.status).toBe(400);
    expect(await problemOf(answer)).toMatchObject({ code: "bad-request", outcome: "none" });
  });

  test("has a value of up to 1 MiB", async () => {
    await a.put("6/big", Buffer.alloc(MIB, 7));
    expect((await (await a.data("6/big")).arrayBuffer()).byteLength).toBe(MIB);

    const answer = await a.data("6/big", { method: "PUT", body: Buffer.alloc(MIB + 1) });
    expect(answer.status).toBe(413);
    expect(await problemOf(answer)).toMatchObject({ code: "too-large", outcome: "none" });
    expect((await (await a.data("6/big")).arrayBuffer()).byteLength).toBe(MIB);
  });

  test("too large is refused also where the body comes in chunks, without a length", async () => {
    const status = await new Promise<number | null>((resolve) => {
      const sending = request(`${a.url}/v1/data/p/6/chunked`, { method: "PUT" });
      sending.on("response", (answer) => resolve(answer.statusCode ?? null));
      // The agent may hang up on what is still being sent.
      sending.on("error", () => resolve(null));
      for (let sent = 0; sent < 2 * MIB; sent += 256 * 1024)
        sending.write(Buffer.alloc(256 * 1024));
      sending.end();
    });
    if (status !== null) expect(status).toBe(413);
    expect((await a.data("6/chunked")).status).toBe(404);
  });

  test("of a hashed keyspace lies where its uid hashes to", async () => {
    const written = await a.data("42/x", { method: "PUT", body: "hashed" }, "h");
    expect(written.status).toBe(204);
    expect(await (await a.data("42/x", {}, "h")).text()).toBe("hashed");
  });
});

describe("a batch", () => {
  test("answers each line in order, and a read sees the writes before it", async () => {
    const answers = await a.batch([
      { op: "put", key: "10/a", value: b64("1") },
      { op: "get", key: "10/a" },
      { op: "put", key: "10/a", value: b64("2") },
      { op: "get", key: "10/a" },
      { op: "delete", key: "10/a" },
      { op: "get", key: "10/a" },
      { op: "put", key: "10/b", value: "" },
    ]);
    expect(answers.map(({ status }) => status)).toEqual([204, 200, 204, 200, 204, 404, 204]);
    expect(answers[1]).toMatchObject({ value: b64("1") });
    expect(answers[3]).toMatchObject({ value: b64("2") });
    expect(answers[5]).toMatchObject({ code: "not-found" });
    const positions = [0, 2, 4, 6].map((i) =>
      BigInt(String(answers[i]!["position"]).split(".")[1]!),
    );
    expect(positions).toEqual(positions.toSorted((x, y) => (x < y ? -1 : 1)));
    expect((await a.data("10/b")).status).toBe(200);
  });

  test("refuses single operations and applies the others", async () => {
    const answers = await a.batch([
      { op: "put", key: "11/ok", value: b64("v") },
      { op: "put", key: "11/", value: b64("v") },
      { op: "put", key: "5000/elsewhere", value: b64("v") },
      { op: "get", key: "nobody" },
      { op: "put", key: "11/large", value: Buffer.alloc(MIB + 3).toString("base64") },
      { op: "put", key: "11/also", value: b64("v") },
    ]);
    expect(answers.map(({ status, code }) => [status, code])).toEqual([
      [204, undefined],
      [400, "bad-key"],
      [421, "wrong-node"],
      [400, "bad-key"],
      [413, "too-large"],
      [204, undefined],
    ]);
    expect((await a.data("11/ok")).status).toBe(200);
    expect((await a.data("11/also")).status).toBe(200);
    expect((await a.data("11/large")).status).toBe(404);
  });

  test.each([
    ["a line that is not JSON", "line 2 is not JSON", "nonsense"],
    ["a line that is JSON but no object", "line 2", "null"],
    ["an unknown op", "line 2: op", '{"op":"increment","key":"12/x"}'],
    ["no key", "line 2: key", '{"op":"get"}'],
    ["no value", "line 2: value", '{"op":"put","key":"12/x"}'],
    ["a value that is not base64", "line 2: value", '{"op":"put","key":"12/x","value":"*"}'],
    ["an empty line in the middle", "line 2", ""],
  ])("with %s applies nothing at all", async (_what, says, line) => {
    const good = JSON.stringify({ op: "put", key: "12/first", value: b64("v") });
    const answer = await fetch(`${a.url}/v1/data/p:batch`, {
      method: "POST",
      body: `${good}\n${line}\n${good}`,
    });
    expect(answer.status).toBe(400);
    const problem = await problemOf(answer);
    expect(problem).toMatchObject({ code: "bad-request", outcome: "none" });
    expect(problem.detail).toContain(says);
    expect((await a.data("12/first")).status).toBe(404);
  });

  test("is refused when it is empty, too large, or of too many lines", async () => {
    const post = async (body: string) =>
      fetch(`${a.url}/v1/data/p:batch`, { method: "POST", body });
    expect((await post("")).status).toBe(400);
    // The agent may hang up before everything was sent.
    const large = await post("x".repeat(16 * MIB + 1)).catch(() => null);
    if (large !== null)
      expect(await problemOf(large)).toMatchObject({ status: 413, code: "too-large" });
    const get = '{"op":"get","key":"1/x"}\n';
    expect(await problemOf(await post(get.repeat(100_001)))).toMatchObject({
      status: 400,
      detail: expect.stringContaining("100000"),
    });
  });

  test("carries the generation that it was routed by for each of its writes", async () => {
    const answers = await a.batch([{ op: "put", key: "13/x", value: b64("v") }], {
      "ops-generation": "2",
    });
    expect(answers[0]).toMatchObject({
      status: 421,
      code: "wrong-node",
      generation: "1",
      node: "a",
    });
    expect((await a.data("13/x")).status).toBe(404);
  });
});

describe("a scan", () => {
  async function scan(query: string, node = a): Promise<{ keys: string[]; next: string | null }> {
    const answer = await fetch(`${node.url}/v1/data/p?${query}`);
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(text);
    expect(answer.headers.get("content-type")).toContain("application/x-ndjson");
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { key?: string; next?: string | null });
    return { keys: lines.slice(0, -1).map(({ key }) => key!), next: lines.at(-1)!.next! };
  }

  test("goes page by page to the end, in order of position, without gap or repetition", async () => {
    // The order of uids is numeric, not that of their text.
    const wanted = [300, 301, 302, 309, 310].flatMap((uid) => [`${uid}`, `${uid}/a/b`, `${uid}/é`]);
    await a.batch(wanted.map((key) => ({ op: "put", key, value: b64(key) })));
    const seen: string[] = [];
    let from = "300";
    for (let pages = 0; ; pages += 1) {
      const { keys, next } = await scan(`from=${encodeURIComponent(from)}&to=311&limit=4`);
      expect(keys.length).toBeLessThanOrEqual(4);
      seen.push(...keys);
      if (next === null) break;
      expect(pages).toBeLessThan(10);
      from = next;
    }
    expect(seen).toEqual(wanted);
  });

  test("gives the values, and leaves out `to` itself", async () => {
    await a.put("320/v", "the value");
    await a.put("321/v", "outside");
    const answer = await fetch(`${a.url}/v1/data/p?from=320&to=321`);
    const lines = (await answer.text()).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { key: "320/v", value: b64("the value") },
      { next: null },
    ]);
  });

  test.each([
    ["limit=10001&to=1000", "limit"],
    ["limit=0&to=1000", "limit"],
    ["from=5&to=5", "from"],
    ["from=abc&to=1000", "from"],
    ["to=-1", "to"],
    ["to=99999999999999999999", "to"],
  ])("with %s is refused and says why", async (query, field) => {
    const answer = await fetch(`${a.url}/v1/data/p?${query}`);
    expect(answer.status).toBe(400);
    expect((await problemOf(answer)).detail).toContain(field);
  });
});

describe("the wrong method", () => {
  test.each([
    ["POST", "/v1/data/p/1/life", "DELETE, GET, HEAD, PUT"],
    ["PATCH", "/v1/data/p/1/life", "DELETE, GET, HEAD, PUT"],
    ["PUT", "/v1/data/p", "GET, HEAD"],
    ["GET", "/v1/data/p:batch", "POST"],
    ["DELETE", "/v1/node", "GET, HEAD"],
    ["GET", "/v1/ownership/fence", "POST"],
    ["POST", "/v1/operations/op-12345678", "DELETE, GET, HEAD, PUT"],
  ])("%s %s is 405, and the right ones are named", async (method, path, allow) => {
    const body = ["POST", "PUT", "PATCH"].includes(method) ? { body: "v" } : {};
    const answer = await fetch(`${a.url}${path}`, { method, ...body });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
    expect(await problemOf(answer)).toMatchObject({ code: "no-method", outcome: "none" });
  });
});

describe("the wrong node", () => {
  test("a replica does not write, and says who does", async () => {
    for (const method of ["PUT", "DELETE"]) {
      const answer = await b.data("20/x", method === "PUT" ? { method, body: "v" } : { method });
      expect(answer.status).toBe(421);
      expect(await problemOf(answer)).toMatchObject({
        code: "wrong-node",
        owner: a.url,
        node: "a",
        generation: "1",
        retryable: true,
        outcome: "none",
      });
    }
    expect((await a.data("20/x")).status).toBe(404);
  });

  test("a node that holds nothing there and knows nobody says so", async () => {
    const answer = await a.data("2000/x");
    expect(answer.status).toBe(421);
    expect(await problemOf(answer)).toMatchObject({
      code: "wrong-node",
      owner: null,
      node: null,
      generation: null,
    });
  });

  test("outside of the domain nobody will ever take it, and the domain is told", async () => {
    const segment = { lo: 0n, hi: 1_000n, shard: "s", writer: "a", generation: 1n, readers: [] };
    const domain = { lo: 0n, hi: 1_000n };
    const nodeList = { a: { url: a.url, region: "east", set: "east-1-a" } };
    const table = {
      keyspace: "p",
      sharding: "range",
      domain,
      version: 1,
      settings: DEFAULT_SETTINGS,
      nodes: nodeList,
    } as const;
    await b.api.putRoutes({ ...table, segments: [segment] }, authority);
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await b.data("2000/x", method === "PUT" ? { method, body: "v" } : { method });
      expect(answer.status).toBe(421);
      expect(await problemOf(answer)).toMatchObject({
        code: "wrong-node",
        retryable: false,
        owner: null,
        detail: "2000 is outside of the domain of p, [0, 1000)",
      });
    }
  });

  test("a write that was routed by another generation is not applied", async () => {
    for (const generation of ["0", "2"]) {
      const answer = await a.data("21/x", {
        method: "PUT",
        body: "v",
        headers: { "ops-generation": generation },
      });
      expect(answer.status).toBe(421);
      expect(await problemOf(answer)).toMatchObject({
        code: "wrong-node",
        node: "a",
        generation: "1",
      });
    }
    expect((await a.data("21/x")).status).toBe(404);
    await a.put("21/x", "v", { "ops-generation": "1" });
  });

  test.each([
    ["ops-generation", { method: "PUT", body: "v" }],
    ["ops-generation", {}],
    ["ops-min-position", {}],
  ])("a malformed %s is refused: %j", async (name, init) => {
    const answer = await a.data("21/x", { ...init, headers: { [name]: "one" } });
    expect(answer.status).toBe(400);
    expect(await problemOf(answer)).toMatchObject({ code: "bad-request" });
  });

  test("a keyspace that the node never heard of is 404 no-keyspace", async () => {
    const asked = [
      a.data("1/x", {}, "nowhere"),
      a.data("1/x", { method: "PUT", body: "v" }, "nowhere"),
      a.data("1/x", { method: "DELETE" }, "nowhere"),
      fetch(`${a.url}/v1/data/nowhere?from=0`),
      fetch(`${a.url}/v1/data/nowhere:batch`, { method: "POST", body: '{"op":"get","key":"1/x"}' }),
    ];
    for (const answer of await Promise.all(asked)) {
      expect(answer.status).toBe(404);
      expect(await problemOf(answer)).toMatchObject({ code: "no-keyspace", outcome: "none" });
    }
  });
});

describe("a replica", () => {
  test("serves reads, and says how stale they may be", async () => {
    const position = (await a.put("30/x", "v")).headers.get("ops-position")!;
    await b.until("caught up", ({ entries }) =>
      entries.some(({ cursor }) => `${cursor.generation}.${cursor.index}` === position),
    );
    const got = await b.data("30/x");
    expect([got.status, await got.text()]).toEqual([200, "v"]);
    expect(got.headers.get("ops-lag-ms")).toMatch(/^\d+$/);
    expect(got.headers.get("ops-generation")).toBe("1");
    expect(got.headers.get("ops-position")).toBe(position);
  });

  test("shows a client its own writes, or sends it to the writer", async () => {
    for (let i = 0; i < 30; i += 1) {
      const value = `v${i}`;
      const position = (await a.put("31/mine", value)).headers.get("ops-position")!;
      const got = await b.data("31/mine", { headers: { "ops-min-position": position } });
      if (got.status === 200) expect(await got.text()).toBe(value);
      else {
        expect(got.status).toBe(421);
        expect(await problemOf(got)).toMatchObject({ owner: a.url });
      }
    }
  });

  test("sends a read to the writer whose position it cannot have yet, also when there is no such row", async () => {
    for (const key of ["31/mine", "31/none"]) {
      const got = await b.data(key, { headers: { "ops-min-position": "1.999999999" } });
      expect(got.status).toBe(421);
      expect(await problemOf(got)).toMatchObject({
        code: "wrong-node",
        owner: a.url,
        node: "a",
        generation: "1",
      });
    }
  });

  test("says that its copy is not complete rather than that a row is not there", async () => {
    // A copy whose source does not answer has nothing yet.
    const source = { node: "a", url: "http://127.0.0.1:9" };
    await b.must({
      kind: "link",
      keyspace: "h",
      lo: 0n,
      hi: 1n << 64n,
      sharding: "consistent-hash",
      link: "data-h",
      source,
      purpose: "replica",
      bytesPerSecond: null,
    });
    const got = await b.data("42/x", {}, "h");
    expect(got.status).toBe(503);
    expect(await problemOf(got)).toMatchObject({
      code: "not-readable",
      retryable: true,
      outcome: "none",
    });
  });
});
