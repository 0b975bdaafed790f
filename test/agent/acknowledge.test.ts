import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { authority, type Nodes, PATIENCE_MS, startNodes, type TestNode } from "./nodes.js";

const WHOLE = { lo: 0n, hi: 1_000n };
/** `near` shares a set with `home`, which takes the writes; `far` does not. */
let nodes: Nodes;
let [home, near, far]: TestNode[] = [];
let version = 0;

beforeAll(async () => {
  nodes = await startNodes("home", "near", "far");
  [home, near, far] = nodes.all;
  await home!.must({ kind: "init", ...WHOLE, sharding: "range" });
  await putRoutes("follower");
  for (const node of [near!, far!]) {
    const link = { link: `l-${node.name}`, source: home!.ref, bytesPerSecond: null };
    await node.must({ kind: "link", ...WHOLE, sharding: "range", purpose: "replica", ...link });
    await node.must({ kind: "sync", ...WHOLE, maxLagMs: 2_000 });
    await node.must({ kind: "verify", ...WHOLE });
  }
}, 180_000);
afterAll(async () => nodes.stop(), 180_000);
beforeEach(async () => {
  await putRoutes("follower");
  await home!.insist("1/ready", "v");
}, PATIENCE_MS);

async function putRoutes(
  ack: "local" | "follower",
  at: readonly TestNode[] = nodes.all,
): Promise<void> {
  version += 1;
  const places = nodes.all.map(({ name, url }) => {
    const set = name === "far" ? "two" : "one";
    return [name, { url, region: "east", set }];
  });
  const table: RouteTable = {
    keyspace: "p",
    sharding: "range",
    domain: WHOLE,
    version,
    settings: { ack, syncWindowMs: 0 },
    nodes: Object.fromEntries(places) as RouteTable["nodes"],
    segments: [{ ...WHOLE, shard: "s", writer: "home", generation: 1n, readers: [] }],
  };
  for (const { api } of at) await api.putRoutes(table, authority);
}

interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly outcome?: string;
  readonly retryable?: boolean;
}

async function put(node: TestNode, key: string, value = "v"): Promise<Answer> {
  const answer = await node.data(key, { method: "PUT", body: value });
  if (answer.status === 204) return { status: 204 };
  return (await answer.json()) as Answer;
}

async function whileFrozen<T>(node: TestNode, work: () => Promise<T>): Promise<T> {
  process.kill(nodes.pid(node), "SIGSTOP");
  try {
    return await work();
  } finally {
    process.kill(nodes.pid(node), "SIGCONT");
  }
}

async function shows(node: TestNode, key: string): Promise<string | null> {
  const answer = await node.data(key);
  const text = await answer.text();
  return answer.status === 200 ? text : null;
}

async function waiting(node: TestNode): Promise<number> {
  const text = await (await fetch(`${node.url}/metrics`)).text();
  return Number(/^ops_writes_waiting\{.*\} (\d+)$/m.exec(text)?.[1]);
}

const TIMEOUT = { status: 504, code: "ack-timeout", outcome: "unknown", retryable: true };
const REFUSED = { status: 503, code: "no-follower", outcome: "none", retryable: true };

test("a write waits for the follower in another set; the one in the same set does not count", async () => {
  const late = await whileFrozen(far!, async () => {
    const answers = Promise.all([
      put(home!, "2/frozen"),
      home!.batch([
        { op: "put", key: "3/frozen", value: Buffer.from("v").toString("base64") },
        { op: "get", key: "3/frozen" },
        { op: "put", key: "no key at all", value: "" },
      ]),
    ]);
    while ((await waiting(home!)) < 2) await sleep(10);
    // Who reads at the writer, or at a follower, sees it all the same.
    while ((await shows(near!, "2/frozen")) === null) await sleep(10);
    expect(await shows(home!, "2/frozen")).toBe("v");
    return answers;
  });
  expect(late).toMatchObject([
    TIMEOUT,
    [TIMEOUT, { status: 200 }, { status: 400, code: "bad-key" }],
  ]);
  await home!.insist("2/after", "v");
  // What was told as unknown is there, as the answer says.
  expect([await shows(far!, "2/frozen"), await shows(far!, "3/frozen")]).toEqual(["v", "v"]);
  expect(await waiting(home!)).toBe(0);
});

test("a write that waits is acknowledged as soon as the follower goes on", async () => {
  const answer = await whileFrozen(far!, async () => {
    const asked = put(home!, "4/waits");
    while ((await waiting(home!)) === 0) await sleep(5);
    return { asked };
  });
  const told = await answer.asked;
  // A busy machine may be too late.
  if (told.status === 204) expect(await shows(far!, "4/waits")).toBe("v");
  else expect(told).toMatchObject(TIMEOUT);
});

test("nothing is written while the follower is dead, and writes go on when it is back", async () => {
  await nodes.kill9(far!);
  let answer = await put(home!, "5/dead");
  // Its end is heard of a moment later.
  for (let i = 0; answer.code !== REFUSED.code; i += 1) {
    expect(answer).toMatchObject(TIMEOUT);
    answer = await put(home!, `5/dead-${i}`);
  }
  expect(answer).toMatchObject(REFUSED);
  expect(await put(home!, "6/dead")).toMatchObject(REFUSED);
  const [inBatch] = await home!.batch([{ op: "delete", key: "1/ready" }]);
  expect(inBatch).toMatchObject(REFUSED);
  expect([await shows(home!, "6/dead"), await shows(home!, "1/ready")]).toEqual([null, "v"]);
  await nodes.restart(far!);
  await home!.insist("6/dead", "v");
});

test("what was acknowledged is at the follower when both are killed under load, and the writer stays dead", async () => {
  const told: string[] = [];
  const end = new AbortController();
  const writers = Array.from({ length: 16 }, async (_, writer) => {
    for (let i = 0; !end.signal.aborted; i += 1) {
      const key = `${100 + writer}/k${i}`;
      const answer = await put(home!, key, key).catch(() => null);
      if (answer?.status === 204) told.push(key);
    }
  });
  while (told.length < 500) await sleep(5);
  await nodes.kill9(far!);
  await sleep(300);
  await nodes.kill9(home!);
  end.abort();
  await Promise.all(writers);
  await nodes.restart(far!);
  const lost: string[] = [];
  for (const key of told) if ((await shows(far!, key)) !== key) lost.push(key);
  expect(lost).toEqual([]);
  await nodes.restart(home!);
});

test("the setting changes under writers: from then on, and only from then on, they wait", async () => {
  const end = new AbortController();
  const answers: Answer[] = [];
  const writer = (async () => {
    for (let i = 0; !end.signal.aborted; i += 1) answers.push(await put(home!, `7/k${i}`));
  })();
  for (const ack of ["local", "follower", "local"] as const) {
    await putRoutes(ack);
    const seen = answers.length;
    while (answers.length < seen + 50) await sleep(5);
  }
  await whileFrozen(far!, async () => {
    expect(await put(home!, "8/local")).toEqual({ status: 204 });
    end.abort();
    await writer;
    await putRoutes("follower", [home!]);
    expect(await put(home!, "8/follower")).toMatchObject(TIMEOUT);
  });
  expect(answers.filter(({ status }) => status !== 204)).toEqual([]);
});

test("writes that wait when the segment is handed over are acknowledged, and it goes on at the taker", async () => {
  const told = new Map<string, string>();
  const problems: Answer[] = [];
  const end = new AbortController();
  let writer = home!;
  const writers = Array.from({ length: 8 }, async (_, id) => {
    for (let i = 0; !end.signal.aborted; i += 1) {
      const key = `${200 + id}/k${i % 20}`;
      const value = `${id}:${i}`;
      const answer = await put(writer, key, value);
      if (answer.status === 204) told.set(key, value);
      else problems.push(answer);
      if (answer.code === "wrong-node") writer = writer === home ? far! : home!;
    }
  });
  let generation = (await home!.entries())[0]!.generation;
  for (const [from, to] of [
    [home!, far!],
    [far!, home!],
  ] as const) {
    await sleep(200);
    generation += 1n;
    await to.must({ kind: "takeover", ...WHOLE, generation, budgetMs: 2_000 });
    await near!.must({ kind: "repoint", ...WHOLE, source: to.ref });
    await from.must({ kind: "sync", ...WHOLE, maxLagMs: 2_000 });
    const seen = told.size;
    await to.insist(`9/${to.name}`, "v");
    expect(seen).toBeGreaterThan(0);
  }
  end.abort();
  await Promise.all(writers);
  // Refused before it was made, or made and acknowledged: nobody was left waiting.
  const codes = new Set(problems.map(({ code }) => code));
  for (const code of codes) expect(["wrong-node", "moving", "no-follower"]).toContain(code);
  await home!.insist("9/end", "v");
  for (const [key, value] of told)
    expect([await shows(home!, key), await shows(far!, key)]).toEqual([value, value]);
  expect([await waiting(home!), await waiting(far!)]).toEqual([0, 0]);
});
