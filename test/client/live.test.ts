import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { isEnded, type OperationRequest } from "../../src/lib/agent/protocol/operation.js";
import { createClient, UnknownOutcome, type Client } from "../../src/lib/client/index.js";
import { Cluster } from "../../src/lib/demo/cluster.js";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";

/** A busy machine may take its time. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });

const authority = { scope: "keyspace/profile", epoch: 1n, lineage: "f".repeat(32) };
const range = { keyspace: "profile", lo: 0n, hi: 1_000n };
let cluster: Cluster;
let a: AgentClient;
let b: AgentClient;
let client: Client;
let operations = 0;
let version = 0;

async function operate(agent: AgentClient, request: OperationRequest): Promise<void> {
  const id = `client-test-${(operations += 1)}`;
  let operation = await agent.putOperation(id, request, authority);
  while (!isEnded(operation.state))
    operation = (await agent.waitOperation(id, operation.rev, 5_000)) ?? operation;
  expect(operation).toMatchObject({ state: "succeeded" });
}

async function publish(
  writer: "a" | "b",
  generation: bigint,
  readers: string[],
  to: AgentClient[],
): Promise<void> {
  const table = {
    keyspace: "profile",
    sharding: "range",
    domain: { lo: 0n, hi: 1_000n },
    version: (version += 1),
    settings: DEFAULT_SETTINGS,
    nodes: {
      a: { url: a.url, region: "sh", set: "sh-1" },
      b: { url: b.url, region: "sz", set: "sz-1" },
    },
    segments: [
      {
        lo: 0n,
        hi: 1_000n,
        shard: "p0",
        writer,
        generation,
        readers: readers.map((node) => ({ node, weight: 100 })),
      },
    ],
  } as const;
  await Promise.all(to.map((agent) => agent.putRoutes(table, authority)));
}

beforeAll(async () => {
  cluster = new Cluster({ dir: await mkdtemp(join(tmpdir(), "ops-client-")), dieWithParent: true });
  await cluster.up({ a: { role: "data" }, b: { role: "data" } });
  a = new AgentClient(cluster.urlOf("a"));
  b = new AgentClient(cluster.urlOf("b"));
  await operate(a, { kind: "init", ...range, sharding: "range" });
  await publish("a", 1n, ["a"], [a, b]);
  client = createClient({
    agents: [a.url, b.url],
    region: "sz",
    set: "sz-1",
    deadlineMs: 20_000,
    retryUnknown: true,
  });
});

afterAll(async () => {
  await Promise.all([client, a, b].map((one) => one?.close()));
  await cluster.stop(2_000);
  await rm(cluster.dir, { recursive: true });
});

describe("the client router on real agents", () => {
  test("writes, reads and deletes, one by one and in batches", async () => {
    const { position } = await client.put("profile", "7/avatar/small", "x");
    expect(await client.get("profile", "7/avatar/small")).toMatchObject({
      value: Buffer.from("x"),
    });
    expect(position).toMatch(/^1\.\d+$/);
    await client.delete("profile", "7/avatar/small");
    expect(await client.get("profile", "7/avatar/small")).toBeNull();
    const results = await client.batch("profile", [
      { op: "put", key: "1", value: Buffer.from([0, 255]) },
      { op: "get", key: "1" },
      { op: "delete", key: "1" },
      { op: "get", key: "1" },
    ]);
    expect(results.map(({ status }) => status)).toEqual(["written", "found", "written", "absent"]);
    expect(results[1]).toMatchObject({ value: Buffer.from([0, 255]) });
  });

  test("reads at the copy in its own set, and sees its own writes there", async () => {
    const source = { node: "a", url: a.url };
    await operate(b, {
      kind: "link",
      ...range,
      sharding: "range",
      link: "l1",
      source,
      purpose: "move",
      bytesPerSecond: null,
    });
    await operate(b, { kind: "sync", ...range, maxLagMs: 500 });
    await publish("a", 1n, ["a", "b"], [a, b]);
    await eventually(() => client.metrics().routes).toEqual({ profile: version });
    const before = client.metrics().reads.sameSet;
    for (let i = 0; i < 50; i += 1) {
      const { position } = await client.put("profile", String(i), `value ${i}`);
      const found = await client.get("profile", String(i), { minPosition: position });
      expect(found?.value.toString()).toBe(`value ${i}`);
    }
    await eventually(async () => (await client.get("profile", "3"))?.lagMs).toBeTypeOf("number");
    expect(client.metrics().reads.sameSet).toBeGreaterThan(before);
  });

  test("follows a takeover before any table says so, and loses none of its writes", async () => {
    await operate(b, { kind: "verify", ...range });
    const acked = new Map<string, string>();
    const writing = { stop: false };
    onTestFinished(() => {
      writing.stop = true;
    });
    const writers = Array.from({ length: 8 }, async (_, lane) => {
      for (let i = 0; !writing.stop; i += 1) {
        const key = String(lane * 100 + (i % 100));
        await client.put("profile", key, `${lane} ${i}`);
        acked.set(key, `${lane} ${i}`);
      }
    });
    await eventually(() => acked.size).toBeGreaterThan(100);
    await operate(b, { kind: "takeover", ...range, generation: 2n, budgetMs: 5_000 });
    const atTakeover = client.metrics().writes.count;
    await eventually(() => client.metrics().writes.count).toBeGreaterThan(atTakeover + 100);
    writing.stop = true;
    await Promise.all(writers);
    expect(client.metrics().redirects).toBeGreaterThan(0);
    expect(client.metrics().writes).toMatchObject({ failed: 0, unknown: 0 });
    await publish("b", 2n, ["b"], [a, b]);
    for (const [key, value] of acked)
      expect((await client.get("profile", key))?.value.toString()).toBe(value);
  });

  test("goes on when the writer is killed and comes back", async () => {
    await eventually(() => client.metrics().routes).toEqual({ profile: version });
    const writes = Array.from({ length: 200 }, (_, i) =>
      client.put("profile", String(i), `again ${i}`).catch((error: unknown) => error),
    );
    await cluster.kill9("b");
    const later = client.put("profile", "900", "after");
    await cluster.restart("b");
    await later;
    const outcomes = await Promise.all(writes);
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome instanceof UnknownOutcome) continue;
      expect(outcome).toHaveProperty("position");
      expect((await client.get("profile", String(i)))?.value.toString()).toBe(`again ${i}`);
    }
    expect((await client.get("profile", "900"))?.value.toString()).toBe("after");
  });
});
