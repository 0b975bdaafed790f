import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import { encodeJson } from "../../src/lib/agent/protocol/json.js";
import type { Operation } from "../../src/lib/agent/protocol/operation.js";
import { OPS } from "../../src/lib/demo/agent-process.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { encodeTable } from "../../src/lib/routing/wire.js";
import { authority, LINEAGE, type Nodes, startNodes, type TestNode } from "./nodes.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";

let nodes: Nodes;
let a: TestNode;
const root = mkdtempSync(join(tmpdir(), "ops-control-"));

beforeAll(async () => {
  nodes = await startNodes("a");
  [a] = nodes.all as [TestNode];
}, 180_000);
afterAll(async () => {
  await nodes.stop();
  rmSync(root, { recursive: true, force: true });
}, 120_000);

async function codeOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => "accepted",
    (error: unknown) => {
      if (error instanceof AgentProblem) return `${error.status} ${error.code}`;
      throw error;
    },
  );
}

function headersOf(by = authority): Record<string, string> {
  return {
    "ops-scope": by.scope,
    "ops-epoch": String(by.epoch),
    "ops-lineage": by.lineage,
    "content-type": "application/json",
  };
}

async function send(method: string, path: string, body: string | null, headers = headersOf()) {
  const answer = await fetch(`${a.url}${path}`, { method, body, headers });
  const type = answer.headers.get("content-type") ?? "";
  return {
    status: answer.status,
    type,
    json: (await answer.json().catch(() => null)) as Record<string, unknown> | null,
  };
}

/** An operation that never ends by itself: its source does not exist. */
async function endless(id: string, keyspace: string): Promise<Operation> {
  const source = { node: "ghost", url: "http://127.0.0.1:9" };
  await a.must({
    kind: "link",
    keyspace,
    lo: 0n,
    hi: 10n,
    sharding: "range",
    link: `l-${keyspace}`,
    source,
    purpose: "move",
    bytesPerSecond: null,
  });
  return a.api.putOperation(
    id,
    { kind: "sync", keyspace, lo: 0n, hi: 10n, maxLagMs: 1_000 },
    { ...authority, scope: `keyspace/${keyspace}` },
  );
}

describe("epochs", () => {
  const of = (scope: string, epoch: bigint, lineage = LINEAGE) => ({ scope, epoch, lineage });

  test("an older one is refused, the same and a newer one are taken, each scope by itself", async () => {
    await a.api.putEpoch(of("keyspace/e", 5n));
    expect(await codeOf(a.api.putEpoch(of("keyspace/e", 4n)))).toBe("409 stale-epoch");
    expect(await codeOf(a.api.putEpoch(of("keyspace/e", 5n)))).toBe("accepted");
    expect(await codeOf(a.api.putEpoch(of("keyspace/f", 1n)))).toBe("accepted");
    expect(await codeOf(a.api.putEpoch(of("schedule", 2n)))).toBe("accepted");
    expect((await a.api.node()).epochs).toMatchObject({
      "keyspace/e": 5n,
      "keyspace/f": 1n,
      schedule: 2n,
    });
  });

  test("another control plane is refused, whatever its epoch", async () => {
    expect(await codeOf(a.api.putEpoch(of("keyspace/e", 99n, "other-lineage")))).toBe(
      "409 unknown-lineage",
    );
    expect((await a.api.node()).lineage).toBe(LINEAGE);
  });

  test("survive kill -9", async () => {
    await a.api.putEpoch(of("keyspace/e", 7n));
    await nodes.kill9(a);
    await nodes.restart(a);
    expect((await a.api.node()).epochs["keyspace/e"]).toBe(7n);
    expect(await codeOf(a.api.putEpoch(of("keyspace/e", 6n)))).toBe("409 stale-epoch");
    expect(await codeOf(a.api.putEpoch(of("keyspace/e", 8n, "other-lineage")))).toBe(
      "409 unknown-lineage",
    );
  });

  test("an operation of an older epoch changes nothing", async () => {
    await a.api.putEpoch(of("keyspace/e", 8n));
    const request = { kind: "init", keyspace: "e", lo: 0n, hi: 10n, sharding: "range" } as const;
    expect(await codeOf(a.api.putOperation("stale-init", request, of("keyspace/e", 7n)))).toBe(
      "409 stale-epoch",
    );
    expect(await a.api.operation("stale-init")).toBeNull();
    expect(await a.entries("e")).toEqual([]);
  });

  test("the scope must be that of the keyspace", async () => {
    const request = { kind: "init", keyspace: "e", lo: 0n, hi: 10n, sharding: "range" } as const;
    expect(await codeOf(a.api.putOperation("other-scope", request, of("keyspace/f", 9n)))).toBe(
      "400 bad-request",
    );
    expect(await a.entries("e")).toEqual([]);
    expect((await a.api.node()).epochs["keyspace/f"]).toBe(1n);
  });

  test.each(["ops-scope", "ops-epoch", "ops-lineage"])(
    "a mutation without %s, or with nonsense in it, is refused",
    async (name) => {
      for (const value of [null, "", "no/such thing!"]) {
        const headers = headersOf();
        if (value === null) delete headers[name];
        else headers[name] = value;
        for (const [method, path, body] of [
          ["PUT", "/v1/epochs", "{}"],
          [
            "PUT",
            "/v1/operations/headless-op",
            '{"kind":"init","keyspace":"p","lo":"0","hi":"1","sharding":"range"}',
          ],
        ] as const) {
          expect(await send(method, path, body, headers)).toMatchObject({
            status: 400,
            json: { code: "bad-request", outcome: "none" },
          });
        }
      }
    },
  );
});

describe("operations", () => {
  const init = { kind: "init", keyspace: "o", lo: 0n, hi: 10n, sharding: "range" } as const;
  const by = { ...authority, scope: "keyspace/o" };

  test("a replay gets the stored one, another request under its id is refused", async () => {
    await a.must(init, "op-init-o");
    const again = await a.api.putOperation("op-init-o", init, by);
    expect(again).toMatchObject({
      state: "succeeded",
      result: { generation: "1" },
      scope: "keyspace/o",
      epoch: 1n,
    });
    expect(await codeOf(a.api.putOperation("op-init-o", { ...init, hi: 20n }, by))).toBe(
      "422 id-reused",
    );
    expect(
      await codeOf(
        a.api.putOperation("op-init-o", { kind: "verify", keyspace: "o", lo: 0n, hi: 10n }, by),
      ),
    ).toBe("422 id-reused");
    const all = (await (await fetch(`${a.url}/v1/operations`)).json()) as {
      operations: Operation[];
    };
    expect(all.operations.filter(({ id }) => id === "op-init-o")).toHaveLength(1);
  });

  test("a replay still works after a restart, and fails for good what has failed", async () => {
    const failed = await a.run({ ...init, hi: 5n }, "op-init-twice");
    expect(failed).toMatchObject({ state: "failed", error: { code: "occupied", outcome: "none" } });
    await nodes.kill9(a);
    await nodes.restart(a);
    expect(await a.api.putOperation("op-init-o", init, by)).toMatchObject({
      state: "succeeded",
      result: { generation: "1" },
    });
    expect(await a.api.putOperation("op-init-twice", { ...init, hi: 5n }, by)).toMatchObject(
      failed,
    );
  });

  test("one that nobody knows is 404, also to cancel", async () => {
    expect(await a.api.operation("never-put-1")).toBeNull();
    expect(await codeOf(a.api.cancelOperation("never-put-1", by))).toBe("404 no-operation");
  });

  test("a long poll wakes when the operation ends", async () => {
    const running = await endless("op-endless-1", "wake");
    let rev = running.rev;
    const polled = (async () => {
      for (;;) {
        const seen = (await a.api.waitOperation("op-endless-1", rev, 20_000))!;
        expect(seen.rev).toBeGreaterThan(rev);
        // It may be long, and who polls has it.
        expect(seen.request).toBeUndefined();
        if (!["pending", "running"].includes(seen.state)) return seen;
        rev = seen.rev;
      }
    })();
    await a.api.cancelOperation("op-endless-1", { ...authority, scope: "keyspace/wake" });
    expect(await polled).toMatchObject({ state: "cancelled", error: null });
    expect((await a.api.operation("op-endless-1"))!.request).toEqual(running.request);
    // Cancelling what has ended changes nothing.
    await a.api.cancelOperation("op-endless-1", { ...authority, scope: "keyspace/wake" });
    expect((await a.api.operation("op-endless-1"))!.state).toBe("cancelled");
  });

  test("an older epoch cannot cancel", async () => {
    await endless("op-endless-2", "fenced");
    const scope = "keyspace/fenced";
    await a.api.putEpoch({ ...authority, scope, epoch: 3n });
    expect(
      await codeOf(a.api.cancelOperation("op-endless-2", { ...authority, scope, epoch: 2n })),
    ).toBe("409 stale-epoch");
    expect((await a.api.operation("op-endless-2"))!.state).toBe("running");
    await a.api.cancelOperation("op-endless-2", { ...authority, scope, epoch: 3n });
  });

  test("what ran when the agent was killed is interrupted, and goes on when it is put again", async () => {
    await endless("op-endless-3", "killed");
    await nodes.kill9(a);
    await nodes.restart(a);
    const interrupted = (await a.api.operation("op-endless-3"))!;
    expect(interrupted.state).toBe("interrupted");
    const request = { kind: "sync", keyspace: "killed", lo: 0n, hi: 10n, maxLagMs: 1_000 } as const;
    const killed = { ...authority, scope: "keyspace/killed" };
    const resumed = await a.api.putOperation("op-endless-3", request, killed);
    expect(["pending", "running"]).toContain(resumed.state);
    expect(resumed.rev).toBeGreaterThan(interrupted.rev);
    expect(resumed.createdAt).toBe(interrupted.createdAt);
    await a.api.cancelOperation("op-endless-3", killed);
  });

  test.each(["short", "has space", "a".repeat(129), "semi;colon"])(
    "the id %s is refused",
    async (id) => {
      const answer = await send(
        "PUT",
        `/v1/operations/${encodeURIComponent(id)}`,
        encodeJson(init),
        headersOf(by),
      );
      expect(answer).toMatchObject({ status: 400, json: { code: "bad-request" } });
    },
  );
});

describe("routes", () => {
  const scope = { ...authority, scope: "keyspace/r" };
  const table = (version: number, generation = 1n): RouteTable => ({
    keyspace: "r",
    sharding: "range",
    domain: { lo: 0n, hi: 100n },
    version,
    settings: DEFAULT_SETTINGS,
    nodes: { a: { url: a.url, region: "east", set: "s" } },
    segments: [
      {
        lo: 0n,
        hi: 100n,
        shard: "s",
        writer: "a",
        generation,
        readers: [{ node: "a", weight: 100 }],
      },
    ],
  });

  test("an older version is refused, and another table of the same version", async () => {
    await a.api.putRoutes(table(5), scope);
    expect(await codeOf(a.api.putRoutes(table(4), scope))).toBe("409 stale-routes");
    expect(await codeOf(a.api.putRoutes(table(5, 2n), scope))).toBe("409 stale-routes");
    expect(await codeOf(a.api.putRoutes(table(5), scope))).toBe("accepted");
    expect((await a.api.routes()).tables).toMatchObject([{ keyspace: "r", version: 5 }]);
  });

  test("who waits hears of a publication", async () => {
    const { etag } = await a.api.routes();
    const waiting = a.api.routes({ after: etag, waitMs: 20_000 });
    await sleep(100);
    await a.api.putRoutes(table(6), scope);
    const heard = await waiting;
    expect(heard.etag).not.toBe(etag);
    expect(heard.tables[0]!.version).toBe(6);
    // Who is behind already does not wait.
    expect((await a.api.routes({ after: etag, waitMs: 20_000 })).etag).toBe(heard.etag);
  });

  test("are there after kill -9", async () => {
    await nodes.kill9(a);
    await nodes.restart(a);
    expect((await a.api.node()).routes).toEqual({ r: 6 });
    expect(await codeOf(a.api.putRoutes(table(5), scope))).toBe("409 stale-routes");
  });

  test("a table with a hole, of another keyspace, or of an older epoch is refused", async () => {
    const wire = encodeTable(table(9));
    const hole = { ...wire, segments: [{ ...wire.segments[0]!, hi: "50" }] };
    expect(await send("PUT", "/v1/routes/r", JSON.stringify(hole), headersOf(scope))).toMatchObject(
      { status: 400, json: { code: "bad-route-table" } },
    );
    expect(await send("PUT", "/v1/routes/x", JSON.stringify(wire), headersOf(scope))).toMatchObject(
      { status: 400 },
    );
    await a.api.putEpoch({ ...scope, epoch: 2n });
    expect(await codeOf(a.api.putRoutes(table(9), scope))).toBe("409 stale-epoch");
    expect((await a.api.node()).routes).toEqual({ r: 6 });
  });
});

describe("hostile requests", () => {
  test("JSON that is none is a problem, and so is a body of another shape", async () => {
    const path = "/v1/operations/malformed-1";
    for (const body of [
      "{",
      "",
      "null",
      "[]",
      '"x"',
      '{"kind":"explode","keyspace":"p","lo":"0","hi":"1"}',
      '{"kind":"init","keyspace":"p","lo":0,"hi":1,"sharding":"range"}',
      '{"kind":"init","keyspace":"p","lo":"1","hi":"1","sharding":"range"}',
      '{"kind":"verify","keyspace":"p","lo":"0","hi":"99999999999999999999"}',
      '{"kind":"verify","keyspace":"p","lo":"0","hi":"1","surplus":1}',
    ]) {
      const answer = await send("PUT", path, body);
      expect(answer, body).toMatchObject({
        status: 400,
        json: { status: 400, code: "bad-request", outcome: "none" },
      });
      expect(answer.type).toContain("application/problem+json");
    }
    expect(await a.api.operation("malformed-1")).toBeNull();
  });

  test("an unknown route, or a method that a route does not have, is a problem with a hint", async () => {
    for (const [method, path, status, code] of [
      ["GET", "/v1/nothing", 404, "no-route"],
      ["GET", "/", 404, "no-route"],
      ["POST", "/v1/node", 405, "no-method"],
      ["PUT", "/v1/data/p", 405, "no-method"],
    ] as const) {
      const answer = await send(method, path, method === "GET" ? null : "{}");
      expect(answer).toMatchObject({
        status,
        json: { code, hint: expect.stringContaining("openapi") },
      });
      expect(answer.type).toContain("application/problem+json");
    }
  });

  test("a body above the bound is refused", async () => {
    const answer = await send(
      "PUT",
      "/v1/routes/r",
      JSON.stringify("x".repeat(33 * 1024 * 1024)),
    ).catch(() => null);
    // The agent may hang up before everything was sent.
    if (answer !== null) expect(answer).toMatchObject({ status: 413, json: { code: "too-large" } });
    expect((await fetch(`${a.url}/livez`)).status).toBe(200);
  });

  test.each(["wait=forever", "wait=-1s", "wait=20s&after=x"])("%s is refused", async (query) => {
    expect((await send("GET", `/v1/operations/op-init-o?${query}`, null)).status).toBe(400);
  });

  test.each([
    "keyspace=p",
    "keyspace=p&lo=5&hi=5",
    "lo=0&hi=5",
    "keyspace=p&lo=0&hi=5&buckets=0",
    "keyspace=p&lo=0&hi=5&buckets=1000000",
  ])("a histogram with %s is refused", async (query) => {
    expect(await send("GET", `/v1/histogram?${query}`, null)).toMatchObject({
      status: 400,
      json: { code: "bad-request" },
    });
  });

  test("the agent still answers", async () => {
    expect(await (await fetch(`${a.url}/livez`)).json()).toEqual({ status: "live", node: "a" });
    expect((await fetch(`${a.url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${a.url}/metrics`)).text()).toContain(
      'ops_segments{keyspace="o",role="primary",node="a"} 1',
    );
  });
});

describe("at the start", () => {
  function config(name: string, settings: object): string {
    mkdirSync(join(root, name), { recursive: true });
    const file = join(root, name, "agent.yaml");
    writeFileSync(file, JSON.stringify(settings));
    return file;
  }

  function serve(file: string) {
    const run = spawnSync(process.execPath, [OPS, "agent", "serve", "--config", file], {
      encoding: "utf8",
      timeout: 60_000,
      env: { ...process.env, NODE_ENV: "production" },
    });
    return { code: run.status, stderr: run.stderr };
  }

  test.each(["0.0.0.0", "::", "10.0.0.5", "localhost.example.com", "127.0.0.1.example.com"])(
    "the address %s is refused",
    (host) => {
      const { code, stderr } = serve(
        config("wide", { node: "w", dir: "data", listen: { host, port: 0 } }),
      );
      expect(code).toBe(3);
      expect(stderr).toContain("listen.host");
      expect(stderr).toContain("loopback");
    },
  );

  test("a configuration with several faults is refused with each of them", () => {
    const { code, stderr } = serve(
      config("faulty", { node: "-", engine: "oracle", listen: { port: 70_000 }, surplus: 1 }),
    );
    expect(code).toBe(3);
    for (const fault of ["node", "dir", "engine", "listen.port", "surplus"])
      expect(stderr).toContain(fault);
  });

  test("a directory that another agent has open is refused", async () => {
    const file = config("shared", { node: "one", dir: "data", listen: { port: 0 } });
    const first = spawn(process.execPath, [OPS, "agent", "serve", "--config", file], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, NODE_ENV: "production" },
    });
    try {
      await new Promise((resolve) => first.stdout.once("data", resolve));
      const { code, stderr } = serve(
        config("shared", { node: "two", dir: "data", listen: { port: 0 } }),
      );
      expect(code).toBe(5);
      expect(stderr).toContain(`in use by process ${first.pid!}`);
    } finally {
      const gone = new Promise((resolve) => first.once("exit", resolve));
      first.kill("SIGTERM");
      await gone;
    }
    expect(first.exitCode).toBe(0);
  });
});
