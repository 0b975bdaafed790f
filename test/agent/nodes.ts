import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import type { EntryStatus, NodeStatus } from "../../src/lib/agent/protocol/node.js";
import {
  isEnded,
  type Operation,
  type DataRequest,
} from "../../src/lib/agent/protocol/operation.js";
import { openEngine } from "../../src/lib/engines/registry.js";
import type { Engine } from "../../src/lib/engines/contract.js";
import { startCluster } from "../support/cluster.js";

/** An operation of keyspace `p`, unless it names another. */
export type Ask<R = DataRequest> = R extends DataRequest
  ? Omit<R, "keyspace"> & { keyspace?: string }
  : never;

/** Longest that anything here is waited for; a busy machine is slow. */
export const PATIENCE_MS = 60_000;

export const LINEAGE = "test-lineage";
export const authority = { scope: "keyspace/p", epoch: 1n, lineage: LINEAGE };

/** One real agent process, and what a control plane and a client do with it. */
export class TestNode {
  readonly name: string;
  readonly url: string;
  readonly #dir: string;
  /** A client is not shared over restarts: its pool keeps dead connections. */
  readonly api: AgentClient;

  constructor(name: string, url: string, dir: string) {
    this.name = name;
    this.url = url;
    this.#dir = dir;
    this.api = new AgentClient(url, { timeoutMs: 20_000 });
  }

  get ref(): { node: string; url: string } {
    return { node: this.name, url: this.url };
  }

  /** Puts an operation and waits for its end. Goes on after a restart of the agent, as the CLI does. */
  async run(ask: Ask, id = `op-${randomUUID()}`): Promise<Operation> {
    const request: DataRequest = { keyspace: "p", ...ask };
    const by = { ...authority, scope: `keyspace/${request.keyspace}` };
    const until = performance.now() + PATIENCE_MS;
    for (let last: unknown = null; performance.now() < until;) {
      try {
        let operation: Operation | null = await this.api.putOperation(id, request, by);
        while (operation !== null && !isEnded(operation.state) && performance.now() < until) {
          last = operation;
          operation = await this.api.waitOperation(id, operation.rev, 2_000);
        }
        if (operation !== null && isEnded(operation.state) && operation.state !== "interrupted")
          return operation;
      } catch (error) {
        if (!(error instanceof AgentProblem) || !error.retryable) throw error;
        last = error.message;
      }
      await sleep(50);
      if (performance.now() >= until)
        throw new Error(
          `${request.kind} at ${this.name} did not end: ${JSON.stringify(last, decimal)}`,
        );
    }
    throw new Error(`${request.kind} at ${this.name} did not end`);
  }

  /** Like `run`, but anything else than success is an error of the test. */
  async must(ask: Ask, id?: string): Promise<Record<string, unknown>> {
    const operation = await this.run(ask, id);
    if (operation.state === "succeeded") return operation.result ?? {};
    throw new Error(
      `${ask.kind} at ${this.name} ${operation.state}: ${JSON.stringify(operation.error)}`,
    );
  }

  /** Entries of the keyspace, in order. */
  async entries(keyspace = "p"): Promise<EntryStatus[]> {
    return (await this.api.node()).entries.filter((entry) => entry.keyspace === keyspace);
  }

  /** Waits until what the node says about itself satisfies `holds`. */
  async until(what: string, holds: (status: NodeStatus) => boolean): Promise<NodeStatus> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const status = await this.api.node().catch(() => null);
      if (status !== null && holds(status)) return status;
      if (performance.now() > end)
        throw new Error(`${this.name}: never ${what}: ${JSON.stringify(status?.entries, decimal)}`);
      await sleep(50);
    }
  }

  async data(key: string, init?: RequestInit, keyspace = "p"): Promise<Response> {
    return fetch(`${this.url}/v1/data/${keyspace}/${key}`, init);
  }

  async put(
    key: string,
    value: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const answer = await this.data(key, { method: "PUT", body: value, headers });
    if (answer.status !== 204)
      throw new Error(`PUT ${key} at ${this.name}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  /** Puts until it is acknowledged, for as long as the node says that it may be tried again, or does not answer. */
  async insist(key: string, value: string): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.data(key, { method: "PUT", body: value }).catch(() => null);
      if (answer?.status === 204) return;
      const text = (await answer?.text()) ?? '{"retryable":true}';
      const { retryable } = JSON.parse(text) as { retryable: boolean };
      if (!retryable || performance.now() > until)
        throw new Error(`PUT ${key} at ${this.name}: ${text}`);
      await sleep(20);
    }
  }

  async batch(
    lines: readonly object[],
    headers: Record<string, string> = {},
  ): Promise<Record<string, unknown>[]> {
    const body = lines.map((line) => JSON.stringify(line)).join("\n");
    const answer = await fetch(`${this.url}/v1/data/p:batch`, { method: "POST", body, headers });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`batch at ${this.name}: ${answer.status} ${text}`);
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Puts `count` rows of `bytes` bytes, with the uids from `lo` on. */
  async load(lo: bigint, count: number, bytes: number): Promise<void> {
    const value = Buffer.alloc(bytes, "v").toString("base64");
    for (let from = 0; from < count; from += 1_000) {
      const uids = Array.from(
        { length: Math.min(1_000, count - from) },
        (_, i) => lo + BigInt(from + i),
      );
      for (const { status } of await this.batch(
        uids.map((uid) => ({ op: "put", key: `${uid}/row`, value })),
      )) {
        if (status !== 204) throw new Error(`load: ${String(status)}`);
      }
    }
  }

  /** The store itself, while the agent does not run. */
  async offline<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    const engine = await openEngine("embedded", join(this.#dir, "data"), {
      onFatal: (error) => {
        throw error;
      },
    });
    try {
      return await work(engine);
    } finally {
      await engine.close();
    }
  }

  log(): string {
    return readFileSync(join(this.#dir, "agent.log"), "utf8");
  }
}

export interface Nodes {
  readonly dir: string;
  readonly all: readonly TestNode[];
  of(name: string): TestNode;
  pid(node: TestNode): number;
  kill9(node: TestNode): Promise<void>;
  /** On the same port and data; an agent that lives is stopped first. */
  restart(node: TestNode): Promise<void>;
  stop(): Promise<void>;
}

/** Agents that hold nothing yet. */
export async function startNodes(...names: string[]): Promise<Nodes> {
  const cluster = await startCluster(topologyOf(names));
  const all = names.map(
    (name) => new TestNode(name, cluster.url(name), join(cluster.dir, "agents", name)),
  );
  return {
    dir: cluster.dir,
    all,
    of: (name) => all.find((node) => node.name === name)!,
    pid: ({ name }) => cluster.pid(name),
    kill9: async ({ name }) => cluster.kill9(name),
    restart: async ({ name }) => cluster.restart(name),
    async stop() {
      await Promise.all(all.map(async ({ api }) => api.close()));
      await cluster.stop();
    },
  };
}

function topologyOf(names: readonly string[]): string {
  const capacity = "capacity: { memory: 8GiB, ops: 50k, network: 1Gbps }";
  const nodes = names.map(
    (name, i) =>
      `                ${name}: { agent: "http://127.0.0.1:${7401 + i}", engine: embedded, ${capacity} }`,
  );
  return `version: 1
name: agents
regions:
  east:
    idcs:
      east-1:
        carriers: [telecom]
        sets:
          east-1-a:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            data:
              nodes:
${nodes.join("\n")}
keyspaces:
  p:
    class: status
    sync: local
    sharding: range
    domain: 0..1000
    shards:
      s: { segments: [0..1000], primary: ${names[0]!}, replicas: [] }
`;
}

/** For messages: bigints as JSON. */
export function decimal(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
