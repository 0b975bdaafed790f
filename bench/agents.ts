import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentClient } from "../src/lib/agent/client/client.js";
import type { Authority } from "../src/lib/agent/protocol/headers.js";
import {
  isEnded,
  type Operation,
  type OperationRequest,
} from "../src/lib/agent/protocol/operation.js";
import { createClient, type Client } from "../src/lib/client/index.js";
import { Cluster } from "../src/lib/demo/cluster.js";
import { secondsSince } from "./benchmark.js";
import { DEFAULT_SETTINGS, type KeyspaceSettings } from "../src/lib/routing/settings.js";

export const KEYSPACE = "bench";
const BATCH = 2_000;
const LOADERS = 4;

/** Node `a` is the primary of the keyspace `bench`, positions [0, rows); node `b` holds nothing. */
export class TwoAgents {
  readonly a: AgentClient;
  readonly b: AgentClient;
  readonly client: Client;
  readonly segment: { readonly lo: bigint; readonly hi: bigint };
  readonly #cluster: Cluster;
  readonly #authority: Authority = {
    scope: `keyspace/${KEYSPACE}`,
    epoch: 1n,
    lineage: randomBytes(16).toString("hex"),
  };
  #operations = 0;
  #version = 0;

  private constructor(cluster: Cluster, rows: number) {
    this.#cluster = cluster;
    this.a = new AgentClient(cluster.urlOf("a"));
    this.b = new AgentClient(cluster.urlOf("b"));
    this.segment = { lo: 0n, hi: BigInt(rows) };
    this.client = createClient({ agents: [this.a.url, this.b.url], deadlineMs: 30_000 });
  }

  static async start(rows: number): Promise<TwoAgents> {
    const dir = await mkdtemp(join(tmpdir(), "ops-bench-"));
    const cluster = new Cluster({ dir, dieWithParent: true });
    await cluster.up({ a: { role: "data" }, b: { role: "data" } });
    const agents = new TwoAgents(cluster, rows);
    await agents.operate(agents.a, { kind: "init", ...agents.range, sharding: "range" });
    await agents.publish("a", 1n);
    return agents;
  }

  get range(): { keyspace: string; lo: bigint; hi: bigint } {
    return { keyspace: KEYSPACE, ...this.segment };
  }

  /** Puts every row once through the batch API. Returns the seconds that it took. */
  async load(): Promise<number> {
    const start = performance.now();
    const rows = Number(this.segment.hi);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < rows) {
        const from = next;
        next = Math.min(rows, from + BATCH);
        const ops = Array.from(
          { length: next - from },
          (_, i) => ({ op: "put", key: String(from + i), value: valueOf(from + i) }) as const,
        );
        const results = await this.client.batch(KEYSPACE, ops);
        for (const result of results) if (result.status === "failed") throw result.error;
      }
    };
    await Promise.all(Array.from({ length: LOADERS }, lane));
    return secondsSince(start);
  }

  /** Begins to copy everything from `a` to `b`. */
  async link(bytesPerSecond: number | null): Promise<void> {
    const source = { node: "a", url: this.a.url };
    const link = randomBytes(8).toString("hex");
    await this.operate(this.b, {
      kind: "link",
      ...this.range,
      sharding: "range",
      link,
      source,
      purpose: "move",
      bytesPerSecond,
    });
  }

  async sync(): Promise<Operation> {
    return this.operate(this.b, { kind: "sync", ...this.range, maxLagMs: 1_000 });
  }

  /** Asks for an operation and waits for its end. Throws when it does not succeed. */
  async operate(agent: AgentClient, request: OperationRequest): Promise<Operation> {
    const id = `bench-${process.pid}-${(this.#operations += 1)}`;
    let operation = await agent.putOperation(id, request, this.#authority);
    while (!isEnded(operation.state))
      operation = (await agent.waitOperation(id, operation.rev, 10_000)) ?? operation;
    if (operation.state === "succeeded") return operation;
    throw new Error(
      `${request.kind} at ${agent.url} ${operation.state}: ${JSON.stringify(operation.error)}`,
    );
  }

  /** Tells both agents, and so the client, who takes the writes, and when they are acknowledged. */
  async publish(
    writer: "a" | "b",
    generation: bigint,
    ack: KeyspaceSettings["ack"] = "local",
  ): Promise<void> {
    this.#version += 1;
    const node = (url: string): { url: string; region: string; set: string } => ({
      url,
      region: "here",
      set: url,
    });
    const table = {
      keyspace: KEYSPACE,
      sharding: "range",
      domain: this.segment,
      version: this.#version,
      settings: { ...DEFAULT_SETTINGS, ack },
      nodes: { a: node(this.a.url), b: node(this.b.url) },
      segments: [
        {
          ...this.segment,
          shard: "s",
          writer,
          generation,
          readers: [{ node: writer, weight: 100 }],
        },
      ],
    } as const;
    await Promise.all([this.a, this.b].map((agent) => agent.putRoutes(table, this.#authority)));
  }

  async stop(): Promise<void> {
    await Promise.all([this.client.close(), this.a.close(), this.b.close()]);
    await this.#cluster.stop(5_000);
    await rm(this.#cluster.dir, { recursive: true, force: true });
  }
}

/** 100 bytes, different for every row. */
export function valueOf(row: number): string {
  return `${row} `.padEnd(100, `${row * 2654435761}-`);
}
