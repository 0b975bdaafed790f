import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createClient } from "../../src/lib/client/index.js";
import { ops } from "../cli/sandbox.js";

const REGIONS = ["sh", "sz", "tj"];
const SETS = 2;
const NODES_OF_SET = 5;
const DOMAIN_END = 3_000;

const dir = mkdtempSync(join(tmpdir(), "ops-thirty-"));
const given = join(dir, "given.yaml");
const cluster = join(dir, "cluster");
const live = join(cluster, "topology.yaml");
const state = join(dir, "state");

afterAll(() => {
  ops(["dev", "down", "--dir", cluster]);
  rmSync(dir, { recursive: true });
}, 120_000);

/** Shards of equal width, each with its primary in one region and a replica in both others; over all nodes in turn. */
function keyspaces(shards: number): string {
  const node = (shard: number, region: number) =>
    `${REGIONS[region % 3]!}-${Math.floor(shard / NODES_OF_SET) % SETS}-${shard % NODES_OF_SET}`;
  const edge = (i: number) => Math.floor((DOMAIN_END * i) / shards);
  const lines = Array.from({ length: shards }, (_, i) => {
    const [primary, ...replicas] = [0, 1, 2].map((turn) => node(i, i + turn));
    return `      p${i}: { segments: [${edge(i)}..${edge(i + 1)}], primary: ${primary!}, replicas: [${replicas.join(", ")}] }`;
  });
  return `keyspaces:
  profile:
    class: relationship
    sync: global
    sharding: range
    domain: 0..${DOMAIN_END}
    shards:
${lines.join("\n")}
`;
}

function topology(shards: number): string {
  const regions = REGIONS.map((region, r) => {
    const sets = Array.from({ length: SETS }, (_, s) => {
      const nodes = Array.from(
        { length: NODES_OF_SET },
        (_n, i) =>
          `                ${region}-${s}-${i}: { agent: "http://127.0.0.1:${7400 + 100 * r + 10 * s + i}", engine: embedded, capacity: { memory: 2GiB, ops: 20k, network: 1Gbps } }`,
      );
      return `          ${region}-${s}:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            data:
              nodes:
${nodes.join("\n")}`;
    });
    return `  ${region}:
    idcs:
      ${region}-idc:
        carriers: [telecom]
        sets:
${sets.join("\n")}`;
  });
  return `version: 1
name: thirty
regions:
${regions.join("\n")}
${keyspaces(shards)}policy:
  promotion: { reads: [100%], canary: 0%, slices: 1 }
  gates: { window: 100ms, minSamples: 0, maxLag: 10s }
  takeover: { budget: 10s }
  soak: 1s
`;
}

function must(...args: string[]): Record<string, unknown> {
  const { code, json, stderr } = ops([...args, "--json"]);
  if (code !== 0) throw new Error(`ops ${args.join(" ")} ended with ${String(code)}: ${stderr}`);
  return json().at(-1) as Record<string, unknown>;
}

function change(name: string): unknown {
  const plan = join(dir, `${name}.json`);
  must("shard", "plan", "-t", live, "-o", plan);
  return must("shard", "apply", plan, "--yes", "--state", state)["run"];
}

test(
  "thirty agents are started, hold ten shards, and then fifteen: a run over all of them loses nothing",
  { timeout: 600_000 },
  async () => {
    writeFileSync(given, topology(10));
    expect(must("dev", "up", "-t", given, "--dir", cluster)["agents"]).toHaveLength(30);
    change("first");
    const urls = readFileSync(live, "utf8").match(/http:[^"]+/g)!;
    const client = createClient({ agents: urls, region: "sh", deadlineMs: 60_000 });
    try {
      for (let uid = 0; uid < DOMAIN_END; uid += 30)
        await client.put("profile", `${uid}/a`, `${uid}`);
      writeFileSync(
        live,
        readFileSync(live, "utf8").replace(/^keyspaces:[^]*?(?=^policy:)/m, keyspaces(15)),
      );
      must("shard", "finalize", String(change("second")), "--early", "--yes", "--state", state);
      for (let uid = 0; uid < DOMAIN_END; uid += 30)
        expect((await client.get("profile", `${uid}/a`))?.value.toString()).toBe(`${uid}`);
    } finally {
      await client.close();
    }
    const drift = ops(["topology", "drift", "-t", live, "--state", state]);
    expect([drift.code, drift.stderr]).toEqual([0, ""]);
  },
);
