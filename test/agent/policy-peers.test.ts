import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { cut } from "../../src/lib/policy/cut.js";
import type { Entry, PolicyDocument } from "../../src/lib/policy/document.js";
import { DAY, entry, fractions } from "../policy/policies.js";
import { startCluster, type TestCluster } from "../support/cluster.js";
import { LINEAGE } from "./nodes.js";

const NODE = "capacity: { memory: 2GiB, ops: 20k, network: 1Gbps }";
const TOPOLOGY = `version: 1
name: peers
regions:
  east:
    idcs:
      east-1:
        carriers: [telecom]
        sets:
          a:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            access:
              nodes:
                d1: { agent: "http://127.0.0.1:7401", role: dispatch, ${NODE} }
                d2: { agent: "http://127.0.0.1:7402", role: dispatch, ${NODE} }
                g1: { agent: "http://127.0.0.1:7403", ${NODE} }
keyspaces: {}
`;
/** Longer than two rounds in which agents ask each other. */
const ROUNDS_MS = 7_000;
const by = (epoch: bigint, lineage = LINEAGE) => ({ scope: "schedule", epoch, lineage });

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startCluster(TOPOLOGY);
});
afterAll(async () => cluster?.stop());

function policy(version: number, entries: readonly Entry[] = []): PolicyDocument {
  const addresses = [{ url: "ws://127.0.0.1:9", port: 443 }];
  const at = { region: "east", carriers: ["telecom"], addresses };
  const base = cut([], fractions({ a: 0.5, b: 0.5 }));
  const classes = [{ carrier: "telecom", province: "other", base }];
  return { v: 1, version, sites: { a: at, b: at }, classes, entries, agents: cluster.urls };
}

async function asking<T>(node: string, work: (agent: AgentClient) => Promise<T>): Promise<T> {
  const agent = new AgentClient(cluster.url(node));
  try {
    return await work(agent);
  } finally {
    await agent.close();
  }
}

const put = (node: string, document: PolicyDocument, epoch: bigint, lineage = LINEAGE) =>
  asking(node, (agent) => agent.putPolicy(document, by(epoch, lineage)));
const versionAt = (node: string) =>
  asking(node, async (agent) => (await agent.policy()).policy?.version);
const untilAt = (node: string, version: number) =>
  vi.waitFor(async () => expect(await versionAt(node)).toBe(version), {
    timeout: 30_000,
    interval: 50,
  });

/** Where the dispatcher sends so many users. */
async function sitesAt(node: string): Promise<string[]> {
  const sites = new Set<string>();
  for (let uid = 0; uid < 40; uid += 1) {
    const url = `${cluster.url(node)}/v1/dispatch?uid=${uid}&carrier=telecom`;
    sites.add(((await (await fetch(url)).json()) as { site: string }).site);
  }
  return [...sites].toSorted();
}

test("a dispatcher that was dead while a site was masked masks it by itself, from its first answer on", async () => {
  for (const node of ["d1", "d2", "g1"]) await put(node, policy(1), 1n);
  expect(await sitesAt("d2")).toEqual(["a", "b"]);
  await cluster.kill9("d2");
  const times = { since: Date.now(), expires: Date.now() + DAY };
  const masked = policy(2, [entry({ id: "m", site: "a", ...times })]);
  for (const node of ["d1", "g1"]) await put(node, masked, 2n);
  await cluster.restart("d2");
  expect(await sitesAt("d2")).toEqual(["b"]);
  expect(await versionAt("d2")).toBe(2);
  expect((await asking("d2", (agent) => agent.node())).epochs).toEqual({ schedule: 2n });
});

test("one that missed a document while it lived, as a gateway can, finds it as well", async () => {
  await put("d1", policy(3), 2n);
  await untilAt("d2", 3);
  await untilAt("g1", 3);
  expect(await sitesAt("d2")).toEqual(["a", "b"]);
});

test("what a run that is over published reaches no agent that knows a later one", async () => {
  for (const node of ["d2", "g1"]) await asking(node, (agent) => agent.putEpoch(by(5n)));
  await put("d1", policy(4), 4n);
  await sleep(ROUNDS_MS);
  expect([await versionAt("d2"), await versionAt("g1")]).toEqual([3, 3]);
  await put("d2", policy(5), 5n);
  await untilAt("d1", 5);
});

test("nor does that of another control plane", async () => {
  const other = "another-control-plane";
  await asking("d1", async (agent) => {
    const { lineageChanges: changes } = await agent.node();
    await agent.putLineage({ from: LINEAGE, changes }, by(1n, other));
  });
  await put("d1", policy(6), 1n, other);
  await sleep(ROUNDS_MS);
  expect([await versionAt("d2"), await versionAt("g1")]).toEqual([5, 5]);
});
