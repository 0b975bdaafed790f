import { type AddressInfo, createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import { Connection } from "../../src/lib/demo/sessions/connection.js";
import { agentsText } from "../../src/lib/report/run-agents.js";
import { accessAgents, dataAgents } from "../../src/lib/run/observe.js";
import { askAgents } from "../../src/lib/run/tables.js";
import { cut } from "../../src/lib/policy/cut.js";
import type { Entry, PolicyDocument } from "../../src/lib/policy/document.js";
import { Router } from "../../src/lib/policy/router.js";
import { qualityAnswer } from "../../src/lib/agent/protocol/access.js";
import { parseTopology } from "../../src/lib/topology/parse.js";
import { DAY, entry, fractions } from "../policy/policies.js";
import { startCluster, type TestCluster } from "../support/cluster.js";
import { LINEAGE, PATIENCE_MS } from "./nodes.js";

const TOPOLOGY = `version: 1
name: access
regions:
  east:
    idcs:
      east-1:
        carriers: [telecom]
        sets:
          east-1-a:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            access:
              nodes:
                d1: { agent: "http://127.0.0.1:7401", role: dispatch, capacity: &c { memory: 8GiB, ops: 50k, network: 1Gbps } }
                g1: { agent: "http://127.0.0.1:7402", capacity: *c }
            data:
              nodes:
                n1: { agent: "http://127.0.0.1:7403", engine: embedded, capacity: *c }
keyspaces: {}
`;
const by = (epoch: bigint, scope = "schedule") => ({ scope, epoch, lineage: LINEAGE });

let cluster: TestCluster;
let api: AgentClient;
/** Takes connections as a gateway of every site does, for as long as it is there. */
let gateway: Server;
let port: number;

const listen = async (on: number) => {
  gateway = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => gateway.listen(on, "127.0.0.1", resolve));
  return (gateway.address() as AddressInfo).port;
};

beforeAll(async () => {
  port = await listen(0);
  cluster = await startCluster(TOPOLOGY);
  api = new AgentClient(cluster.url("d1"), { timeoutMs: 20_000 });
});
afterAll(async () => {
  gateway?.close();
  await api?.close();
  await cluster?.stop();
});

function policy(version: number, entries: readonly Entry[] = []): PolicyDocument {
  const url = `ws://127.0.0.1:${port}`;
  const at = { region: "east", carriers: ["telecom"], addresses: [{ url, port: 443 }] };
  const base = cut([], fractions({ a: 0.5, b: 0.3, c: 0.2 }));
  const classes = [{ carrier: "telecom", province: "other", base }];
  return { v: 1, version, sites: { a: at, b: at, c: at }, classes, entries };
}

async function codeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return "accepted";
  } catch (error) {
    if (error instanceof AgentProblem) return `${error.status} ${error.code}`;
    throw error;
  }
}

/** What a login is told. */
async function ask(uid: number, more = ""): Promise<Record<string, unknown>> {
  const query = `uid=${uid}&carrier=telecom&province=hunan${more}`;
  const answer = await fetch(`${cluster.url("d1")}/v1/dispatch?${query}`);
  return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) };
}

/** Again after a restart: the connections of a client's pool are dead. */
async function killAndRestart(): Promise<void> {
  await cluster.kill9("d1");
  await cluster.restart("d1");
  await api.close();
  api = new AgentClient(cluster.url("d1"), { timeoutMs: 20_000 });
}

/** The levels of the one entry as they were seen, until one of them is as wanted. */
async function levelsUntil(is: (level: number, held: boolean) => boolean): Promise<number[]> {
  const seen: number[] = [];
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await sleep(20)) {
    const [first] = (await api.policy()).levels;
    if (first!.level !== seen.at(-1)) seen.push(first!.level);
    if (is(first!.level, first!.held)) return seen;
  }
  throw new Error(`never as wanted: ${seen.join(", ")}`);
}

describe("the policy of a dispatcher", () => {
  test("without one a login is told to ask again", async () => {
    expect(await ask(1)).toMatchObject({ status: 503, code: "no-policy", retryAfterMs: 1_000 });
    expect((await api.policy()).policy).toBeNull();
  });

  test("is taken once, newer, and from the run that has the epoch", async () => {
    expect(await codeOf(api.putPolicy(policy(2), by(5n)))).toBe("accepted");
    expect(await codeOf(api.putPolicy(policy(2), by(5n)))).toBe("accepted");
    const other = policy(2, [entry({ id: "m1", site: "a" })]);
    expect(await codeOf(api.putPolicy(other, by(5n)))).toBe("409 stale-policy");
    expect(await codeOf(api.putPolicy(policy(1), by(5n)))).toBe("409 stale-policy");
    expect(await codeOf(api.putPolicy(policy(3), by(4n)))).toBe("409 stale-epoch");
    expect(await codeOf(api.putPolicy(policy(3), by(5n, "keyspace/p")))).toBe("400 bad-request");
    const broken = { ...policy(3), classes: [{ carrier: "x", province: "y", base: [] }] };
    expect(await codeOf(api.putPolicy(broken, by(5n)))).toBe("400 bad-policy");
    // Read back: of all that was refused nothing is there.
    const storedBy = { epoch: 5n, lineage: LINEAGE };
    expect(await api.policy()).toEqual({ v: 1, policy: policy(2), by: storedBy, levels: [] });
    expect(await api.node()).toMatchObject({ policy: 2, epochs: { schedule: 5n } });
  });

  test("is there after kill -9, and so is the epoch", async () => {
    const masked = policy(4, [
      entry({ id: "m1", site: "a", since: Date.now(), expires: Date.now() + DAY }),
    ]);
    await api.putPolicy(masked, by(6n));
    await killAndRestart();
    expect((await api.policy()).policy).toEqual(masked);
    expect(await codeOf(api.putPolicy(policy(5), by(5n)))).toBe("409 stale-epoch");
    expect(await codeOf(api.putPolicy(policy(3), by(6n)))).toBe("409 stale-policy");
  });
});

describe("a login", () => {
  test("is told what the policy says, by every dispatcher and every time", async () => {
    const router = new Router((await api.policy()).policy!);
    for (let uid = 0; uid < 200; uid += 1) {
      const user = { uid: BigInt(uid), carrier: "telecom", province: "hunan", port: null };
      expect(await ask(uid)).toEqual({ status: 200, v: 1, ...router.answer(user, [1]) });
    }
  });

  test("is never sent to a site that is masked, and told to ask again when all are", async () => {
    const times = { since: Date.now(), expires: Date.now() + DAY };
    const entries = ["a", "b", "c"].map((site) => entry({ id: `m-${site}`, site, ...times }));
    await api.putPolicy(policy(6, entries.slice(0, 2)), by(6n));
    for (let uid = 0; uid < 50; uid += 1) {
      const { site, addresses } = await ask(uid);
      expect({ site, addresses }).toEqual({
        site: "c",
        addresses: [{ site: "c", url: `ws://127.0.0.1:${port}`, port: 443 }],
      });
    }
    await api.putPolicy(policy(7, entries), by(6n));
    expect(await ask(1)).toMatchObject({ status: 503, code: "no-site", retryable: true });
  });

  test("that cannot be read is refused", async () => {
    expect(await ask(-1)).toMatchObject({ status: 400, code: "bad-request" });
    expect(await ask(1, "&port=0")).toMatchObject({ status: 400, code: "bad-request" });
  });
});

describe("an entry that expires while no control plane is there", () => {
  const ramp = { step: 0.25, everyMs: 400 };
  const expiring = (version: number) => {
    const times = { since: Date.now() - 1_000, expires: Date.now() + 500, ramp };
    return policy(version, [entry({ id: `m${version}`, site: "a", ...times })]);
  };

  test("lets users back step by step, also over kill -9", async () => {
    await api.putPolicy(expiring(8), by(6n));
    const before = await levelsUntil((level) => level < 1);
    await killAndRestart();
    const after = await levelsUntil((level) => level === 0);
    const all = [...before, ...after];
    // A step may be stored and not yet seen when the process is killed; none is undone.
    expect(all).toEqual(all.toSorted((a, b) => b - a));
    for (const level of all) expect([1, 0.75, 0.5, 0.25, 0]).toContain(level);
    expect((await ask(2)).site).toBe(
      new Router(policy(8)).resolve(
        { uid: 2n, carrier: "telecom", province: "hunan", port: null },
        [],
      ),
    );
  });

  test("does not while nobody takes connections at the site", async () => {
    await new Promise((resolve) => gateway.close(resolve));
    await api.putPolicy(expiring(9), by(6n));
    expect(await levelsUntil((_, held) => held)).toEqual([1]);
    await listen(port);
    expect((await levelsUntil((level) => level === 0)).at(-1)).toBe(0);
  });

  test("does not while users like those lose too much on the way there", async () => {
    const report = async (lost: number, site = "a") => {
      const seen = { carrier: "telecom", province: "hunan", site, sent: 1_000, lost, rttMs: 30 };
      const body = JSON.stringify({ reports: [seen] });
      const headers = { "content-type": "application/json" };
      const url = `${cluster.url("d1")}/v1/quality`;
      return (await fetch(url, { method: "POST", headers, body })).json();
    };
    const { version } = (await api.policy()).policy!;
    expect(await report(400)).toEqual({ taken: 1, ignored: 0, version, gone: [] });
    expect(await report(1, "nowhere")).toEqual({ taken: 0, ignored: 1, version, gone: [] });
    expect(await report(1_001)).toMatchObject({ code: "bad-request" });
    const known = async () =>
      qualityAnswer.parse(await (await fetch(`${cluster.url("d1")}/v1/quality`)).json()).figures;
    const figures = await known();
    expect(figures.map(({ site }) => site)).toEqual(["a"]);
    expect(figures[0]!.rttVariance).toBe(null);
    expect(figures[0]!.rttMs!).toBeCloseTo(30, 5);
    expect(figures[0]!.loss!).toBeCloseTo(0.4, 5);
    await api.putPolicy(expiring(10), by(6n));
    expect(await levelsUntil((_, held) => held)).toEqual([1]);
    for (let i = 0; i < 20; i += 1) await report(0);
    // All reports say the same round trip.
    expect((await known())[0]!.rttVariance!).toBeCloseTo(0, 3);
    expect((await levelsUntil((level) => level === 0)).at(-1)).toBe(0);
  });
});

test("agent status shows data and access agents, those that do not answer too", async () => {
  const topology = parseTopology(cluster.topologyText, "topology.yaml");
  const told = async () => {
    const agents = await askAgents({ ...dataAgents(topology), ...accessAgents(topology) });
    return agentsText(agents, { width: 100, verbose: false }).split("\n");
  };
  const lines = await told();
  expect(lines.find((line) => line.startsWith("d1"))).toMatch(/dispatch, policy 10$/);
  expect(lines.find((line) => line.startsWith("g1"))).toMatch(/gateway, no policy$/);
  expect(lines.find((line) => line.startsWith("n1"))).toContain("embedded");
  await cluster.kill9("g1");
  expect((await told()).find((line) => line.startsWith("g1"))).toContain("NO ANSWER");
});

test("an access agent takes no operations on data, and no data", async () => {
  const init = { kind: "init", keyspace: "p", lo: 0n, hi: 9n, sharding: "range" } as const;
  const asked = api.putOperation("init-something", init, by(1n, "keyspace/p"));
  expect(await codeOf(asked)).toBe("400 bad-request");
  expect((await fetch(`${cluster.url("d1")}/v1/data/p/1`)).status).toBe(404);
  const metrics = await (await fetch(`${cluster.url("d1")}/metrics`)).text();
  expect(metrics).toMatch(/^ops_dispatch_answers_total\{site="[abc]",node="d1"\} \d+$/m);
  expect(metrics).toContain('ops_policy_version{node="d1"} 10');
  expect(metrics).toContain('ops_policy_entry_level{entry="m10",held="false",node="d1"} 0');
});

test("a gateway counts who belongs elsewhere by the policy that it was given last", async () => {
  await cluster.restart("g1");
  const agent = new AgentClient(cluster.url("g1"));
  try {
    const homeIs = async (version: number, home: string): Promise<void> => {
      const base = cut([], fractions({ [home]: 1 }));
      const classes = [{ carrier: "telecom", province: "other", base }];
      await agent.putPolicy({ ...policy(version), classes }, by(6n));
      const { groups } = await agent.elsewhere();
      expect(groups).toEqual([{ carrier: "telecom", province: "hunan", home, sessions: 1 }]);
    };
    const { addresses } = await agent.access();
    const person = { uid: 1n, carrier: "telecom", province: "hunan" };
    const attempt = await Connection.open(addresses[0]!, person, {
      network: () => ({ loss: 0, delayMs: 0 }),
      random: Math.random,
      onBeat: () => undefined,
      onNotice: () => undefined,
      onClosed: () => undefined,
    });
    if (attempt.outcome !== "welcome") throw new Error(attempt.outcome);
    // The second answer comes at once: the first one is kept for others who ask, but not for this.
    await homeIs(100, "a");
    await homeIs(101, "b");
    attempt.connection.leave();
  } finally {
    await agent.close();
  }
});
