import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createClient } from "../../src/lib/client/index.js";
import type { KeyspaceSettings } from "../../src/lib/routing/settings.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import type { SyncTraffic } from "../../src/lib/run/sync-traffic.js";
import { rollbackRun } from "../../src/lib/run/rollback.js";
import { environmentOf } from "./environment.js";
import { Expansion } from "./expansion.js";

const LONG_MS = 600_000;
const HOT = 300;

interface Status {
  readonly sync: readonly SyncTraffic[];
  readonly agents: readonly {
    readonly status: {
      readonly entries: readonly { keyspace: string; cursor: { index: string } }[];
    };
  }[];
}

/** `profile` is relationship, `presence` status, each on one node of either region. */
function topology(syncWindow: string, ack: "local" | "follower"): string {
  const region = (name: string, node: string, port: number) => `  ${name}:
    idcs:
      ${name}-1:
        carriers: [telecom]
        sets:
          ${name}-1-a:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            data:
              nodes:
                ${node}: { agent: "http://127.0.0.1:${port}", engine: embedded, capacity: { memory: 8GiB, ops: 50k, network: 1Gbps } }`;
  const keyspace = (name: string, kind: string, more: string) =>
    `  ${name}: { class: ${kind}, sync: global, ${more}sharding: range, domain: 0..4000, shards: { p0: { segments: [0..4000], primary: a1, replicas: [b1] } } }`;
  return `version: 1
name: settings
regions:
${region("east", "a1", 7401)}
${region("west", "b1", 7402)}
keyspaces:
${keyspace("profile", "relationship", `load: { changeTraffic: 1MB/s }, ack: ${ack}, `)}
${keyspace("presence", "status", "")}
policy:
  syncWindow: ${syncWindow}
  soak: 0s
`;
}

let expansion: Expansion;
let run: string;
beforeAll(async () => {
  expansion = await Expansion.between(topology("2s", "local"), topology("500ms", "follower"));
  await expansion.must("shard", "apply", expansion.first, "--yes");
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

/** What each agent goes by, told by the commands that people use. */
async function settings(): Promise<Record<string, KeyspaceSettings>[]> {
  const all = await Promise.all(
    ["a1", "b1"].map(async (node) => {
      const { tables } = (await expansion.must("route", "show", "--node", node)) as {
        tables: RouteTable[];
      };
      return Object.fromEntries(tables.map((table) => [table.keyspace, table.settings]));
    }),
  );
  return all;
}

async function replan(): Promise<Record<string, unknown>> {
  return expansion.must("shard", "plan", "-t", expansion.wanted, "-o", expansion.plan);
}

const OLD = {
  profile: { ack: "local", syncWindowMs: 0 },
  presence: { ack: "local", syncWindowMs: 2000 },
};
const NEW = {
  profile: { ack: "follower", syncWindowMs: 0 },
  presence: { ack: "local", syncWindowMs: 500 },
};

describe("the settings of a keyspace", () => {
  it("are in its first routes, and nothing is left to plan", async () => {
    expect(await settings()).toEqual([OLD, OLD]);
    const { code } = await expansion.ops([
      "shard",
      "plan",
      "-t",
      expansion.cluster.topologyFile,
      "--detailed-exitcode",
    ]);
    expect(code).toBe(0);
  });

  it(
    "change by a plan of their own, and go back with its run",
    async () => {
      await replan();
      run = (
        await expansion.must("shard", "apply", expansion.plan, "--until", "settings", "--yes")
      )["run"] as string;
      expect(await settings()).toEqual([NEW, NEW]);
      // A writer goes by its own table: one that does not answer keeps the run from being over.
      await expansion.cluster.kill9("a1");
      const impatient = environmentOf(expansion, {}, { reconnectMs: 2_000 });
      await expect(rollbackRun(impatient, run, { to: null })).rejects.toMatchObject({ exit: 6 });
      expect(await expansion.must("run", "show", run)).toMatchObject({ activity: "stopped" });
      await expansion.cluster.restart("a1");
      await expansion.must("shard", "rollback", run, "--yes");
      expect(await settings()).toEqual([OLD, OLD]);
    },
    LONG_MS,
  );

  it(
    "decide what crosses regions, which is measured and held against the topology",
    async () => {
      const client = createClient({
        agents: Object.values(expansion.cluster.urls),
        region: "east",
      });
      try {
        for (let i = 0; i < HOT; i += 1) {
          await client.put("profile", "7/hot", `${i}`);
          await client.put("presence", "7/hot", `${i}`);
        }
      } finally {
        await client.close();
      }
      const file = expansion.cluster.topologyFile;
      // The last value is here: so is all that went before it.
      const { sync, agents } = await vi.waitUntil(
        async () => {
          const now = (await expansion.must("agent", "status", "-t", file)) as unknown as Status;
          const cursors = new Set(
            now.agents.flatMap(({ status: { entries } }) =>
              entries.map(({ keyspace, cursor }) => `${keyspace} ${cursor.index}`),
            ),
          );
          return cursors.size === 2 ? now : null;
        },
        { timeout: 60_000, interval: 200 },
      );
      expect(agents).toHaveLength(2);
      expect(sync).toMatchObject([
        { keyspace: "profile", from: "east", to: "west", expectedBytesPerSecond: 1e6 },
        { keyspace: "presence", from: "east", to: "west", expectedBytesPerSecond: null },
      ]);
      const [profile, presence] = sync;
      expect(profile!.sentBytes).toBe(profile!.plainBytes);
      for (const { plainBytes } of sync) expect(plainBytes).toBeGreaterThan(HOT * 44);
      expect(presence!.sentBytes).toBeLessThan(presence!.plainBytes);
    },
    LONG_MS,
  );

  it(
    "make a plan stale that was made for others",
    async () => {
      const late = join(expansion.dir, "late.json");
      await replan();
      await expansion.must("shard", "plan", "-t", expansion.wanted, "-o", late);
      await expansion.must("shard", "apply", expansion.plan, "--yes");
      expect(await settings()).toEqual([NEW, NEW]);
      const stale = await expansion.ops(["shard", "apply", late, "--yes"]);
      expect(stale).toMatchObject({ code: 4, json: { error: { code: "stale-plan" } } });
      expect(stale.stderr + JSON.stringify(stale.json)).toContain("ack follower (was local)");
    },
    LONG_MS,
  );

  it(
    "are what the agents go by: a write now waits for the other set",
    async () => {
      const { cluster } = expansion;
      const put = async (keyspace: string) => {
        const at = `${cluster.url("a1")}/v1/data/${keyspace}/1`;
        return (await fetch(at, { method: "PUT", body: "v" })).status;
      };
      expect([await put("profile"), await put("presence")]).toEqual([204, 204]);
      process.kill(cluster.pid("b1"), "SIGSTOP");
      try {
        expect([await put("profile"), await put("presence")]).toEqual([504, 204]);
      } finally {
        process.kill(cluster.pid("b1"), "SIGCONT");
      }
    },
    LONG_MS,
  );
});
