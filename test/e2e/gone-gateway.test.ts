import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { Crowd } from "../../src/lib/demo/sessions/crowd.js";
import { type TestCluster, startCluster } from "../support/cluster.js";
import { type Ended, type Json, beginOps } from "./ops-process.js";

const USERS = 200;
const LONG_MS = 90_000;

const NODE = "capacity: { memory: 2GiB, ops: 20k, network: 1Gbps }";
const gateway = (id: string) => `
                ${id}: { agent: "http://${id}", ${NODE} }`;
const site = (id: string, gateways: string) => `
      ${id}-1:
        carriers: [telecom]
        sets:
          ${id}:
            capacity: { onlineUsers: 500, loginsPerSecond: 400 }
            access:
              nodes:${gateways}
                ${id}-dp: { agent: "http://${id}-dp", role: dispatch, ${NODE} }`;
/** Two sites, one of them with two gateways. */
const TOPOLOGY = `version: 1
name: gone
regions:
  east:
    idcs:${site("a", gateway("a-gw1") + gateway("a-gw2"))}${site("b", gateway("b-gw"))}
keyspaces: {}
demand: { onlineUsers: ${USERS}, loginsPerSecond: 1, carriers: { telecom: 100% }, provinces: { hunan: 100% } }
policy: { gates: { window: 200ms, minSamples: 20 } }
`;

let cluster: TestCluster;
let state: string;
let crowd: Crowd;
/** The topology without the gateway that is gone. */
let edited: string;

/** One story on the same agents and users, step by step. */
beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), "ops-e2e-"));
  cluster = await startCluster(TOPOLOGY);
  const lines = cluster.topologyText.split("\n").filter((line) => !line.includes("a-gw2:"));
  edited = join(state, "edited.yaml");
  await writeFile(edited, lines.join("\n"));
  crowd = new Crowd({
    people: Array.from({ length: USERS }, (_, i) => ({
      uid: BigInt(i),
      carrier: "telecom",
      province: "hunan",
    })),
    dispatch: [cluster.url("a-dp"), cluster.url("b-dp")],
    random: Math.random,
    probesPerSecond: 40,
  });
}, LONG_MS);

afterAll(async () => {
  crowd?.stop();
  await cluster?.stop();
  await rm(state, { recursive: true, force: true });
});

function schedule(what: string, args: readonly string[], file = cluster.topologyFile) {
  const common = ["-t", file, "--reason", "a test", "--yes"];
  return beginOps(["schedule", what, ...args, ...common], { state }).ended;
}

function run(...args: string[]): Promise<Ended> {
  return beginOps(["run", ...args], { state }).ended;
}

const until = async (holds: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(holds, { timeout: 30_000, interval: 50 });

async function ask<T>(node: string, question: (agent: AgentClient) => Promise<T>): Promise<T> {
  const agent = new AgentClient(cluster.url(node));
  try {
    return await question(agent);
  } finally {
    await agent.close();
  }
}

async function statusOf(file = cluster.topologyFile): Promise<Json> {
  return (await beginOps(["schedule", "status", "-t", file], { state }).ended).json;
}

const entryOf = (status: Json): Json =>
  ((status["sites"] as Json[]).find(({ id }) => id === "a")!["entries"] as Json[])[0]!;

/** The nodes whose addresses a dispatcher gives to logins. */
async function offered(dispatcher: string): Promise<(string | undefined)[]> {
  const { policy } = await ask(dispatcher, (agent) => agent.policy());
  return [...new Set(policy!.sites["a"]!.addresses.map(({ node }) => node))];
}

const all = (): Promise<void> => until(() => expect(crowd.figures().online).toBe(USERS));

test(
  "who is sent to a dead gateway first reaches the living one of its site",
  { timeout: LONG_MS },
  async () => {
    expect((await schedule("balance", [])).code).toBe(0);
    await crowd.start(300);
    await all();
    const before = crowd.figures().bySite;
    const { sessions } = await ask("a-gw2", (agent) => agent.sessions());
    expect(sessions).toBeGreaterThan(20);
    await cluster.kill9("a-gw2");
    await until(() => expect(crowd.figures().lost).toEqual({ 1006: sessions }));
    await all();
    expect(crowd.figures().bySite).toEqual(before);
  },
);

test(
  "a dead gateway holds the ramp of its site, and status names it and says what to do",
  { timeout: LONG_MS },
  async () => {
    const args = ["a", "--ttl", "1s", "--ramp", "100ms", "--override", "anti-flap"];
    expect((await schedule("mask", args)).code).toBe(6);
    await until(async () => {
      const levels = entryOf(await statusOf())["levels"] as Json[];
      // Each of its two ports.
      const loss = expect.closeTo(1, 1) as number;
      const dead = { node: "a-gw2", connects: false, loss };
      expect(levels).toMatchObject([
        { level: 1, held: true, unwell: { addresses: [dead, dead] } },
        { level: 1, held: true, unwell: { addresses: [dead, dead] } },
      ]);
    });
  },
);

test(
  "taken out of the file it is offered to nobody any more, and the restore brings everyone back",
  { timeout: LONG_MS },
  async () => {
    expect((await schedule("restore", ["a"])).json).toMatchObject({
      error: { code: "sick-site" },
    });
    const { plan } = (await schedule("restore", ["a", "--dry-run"], edited)).json as { plan: Json };
    const gone = { node: "a-gw2", site: "a", isRestored: false };
    expect(plan["dropped"]).toMatchObject([gone, gone]);
    const restored = await schedule("restore", ["a"], edited);
    expect(restored).toMatchObject({ code: 0, json: { outcome: "applied" } });
    for (const dispatcher of ["a-dp", "b-dp"]) expect(await offered(dispatcher)).toEqual(["a-gw1"]);
    await all();
    // What clients reported of it counts no more, nor what one reports that has not heard of that.
    const url = "ws://127.0.0.1:9/";
    const way = { carrier: "telecom", province: "hunan", site: "a" };
    const late = { ...way, url, rttMs: null, sent: 1_000, lost: 1_000 };
    const answer = await fetch(`${cluster.url("a-dp")}/v1/quality`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ reports: [late] }),
    });
    const { version } = (await ask("a-dp", (agent) => agent.policy())).policy!;
    expect(await answer.json()).toEqual({ taken: 0, ignored: 1, version, gone: [url] });
    const { figures } = await ask("a-dp", (agent) => agent.quality());
    expect(figures.filter((one) => one.site === "a" && one.loss! > 0)).toEqual([]);
  },
);

test(
  "it comes back: status says that it gets no logins, until it is in the policy again",
  { timeout: LONG_MS },
  async () => {
    await cluster.restart("a-gw2");
    const left = async () =>
      ((await statusOf())["agents"] as Json[]).filter(({ isLeftOut }) => isLeftOut);
    expect(await left()).toMatchObject([{ node: "a-gw2" }]);
    expect((await schedule("balance", [])).code).toBe(0);
    expect(await left()).toEqual([]);
    expect(await offered("b-dp")).toEqual(["a-gw1", "a-gw2"]);
  },
);

test(
  "one that lives is not left out because the file does not know it: the plan says so",
  { timeout: LONG_MS },
  async () => {
    const { json } = await schedule("mask", ["b", "--ttl", "10m", "--dry-run"], edited);
    const unlisted = [{ node: "a-gw2", site: "a" }];
    expect(json).toMatchObject({ plan: { unlisted } });
    expect(json["plan"]).not.toHaveProperty("dropped");
    const masked = await schedule("mask", ["b", "--ttl", "10m", "--override", "anti-flap"], edited);
    expect(masked).toMatchObject({ code: 0, json: { outcome: "applied" } });
    expect(await offered("a-dp")).toEqual(["a-gw1", "a-gw2"]);
    const { policy } = await ask("a-dp", (agent) => agent.policy());
    expect(policy!.agents).toHaveProperty("a-gw2", cluster.url("a-gw2"));
    await run("rollback", String(masked.json["run"]), "--yes");
    expect(await offered("a-dp")).toEqual(["a-gw1", "a-gw2"]);
    const balanced = await schedule("balance", ["--override", "anti-flap"], edited);
    expect(balanced.code).toBe(0);
    expect(await offered("a-dp")).toEqual(["a-gw1", "a-gw2"]);
  },
);

test(
  "a run that goes on without a gateway takes it out of what dispatch offers, also when taken back",
  { timeout: LONG_MS },
  async () => {
    const args = ["a", "--mode", "weak", "--ttl", "10m", "--ramp", "100ms", "--pace", "20"];
    const common = ["-t", cluster.topologyFile, "--reason", "a test", "--yes"];
    const disable = ["schedule", "disable", ...args, "--override", "anti-flap", ...common];
    await beginOps(disable, { state, killAt: "op.accepted" }).ended;
    const { json } = await run("list");
    const id = String((json["runs"] as Json[]).at(-1)!["run"]);
    await cluster.kill9("a-gw2");
    expect((await run("resume", id, "--without", "a-gw2")).code).toBe(6);
    expect(await offered("a-dp")).toEqual(["a-gw1"]);
    await run("rollback", id, "--yes");
    expect(await offered("a-dp")).toEqual(["a-gw1"]);
    await all();
    const { policy } = await ask("b-dp", (agent) => agent.policy());
    expect(Object.keys(policy!.agents!)).toContain("a-gw2");
  },
);

test(
  "who was left elsewhere by a rollback without the gateway is counted, and called home by a restore",
  { timeout: LONG_MS },
  async () => {
    const strayed = async () =>
      ((await statusOf(edited))["sites"] as Json[]).find(({ id }) => id === "b")!["strayed"];
    const before = crowd.figures().bySite;
    const args = ["b", "--mode", "weak", "--ttl", "10m", "--ramp", "100ms"];
    const common = ["-t", edited, "--reason", "a test", "--yes"];
    const disable = ["schedule", "disable", ...args, "--override", "anti-flap", ...common];
    const { code, json } = await beginOps(disable, { state }).ended;
    expect(code).toBe(0);
    expect(crowd.figures().bySite).toEqual({ a: USERS });
    expect(await strayed()).toBe(0);
    await cluster.kill9("b-gw");
    await run("rollback", String(json["run"]), "--yes");
    await cluster.restart("b-gw");
    expect(crowd.figures().bySite).toEqual({ a: USERS });
    expect(await strayed()).toBe(before["b"]);
    const restored = await schedule("restore", ["b"], edited);
    expect(restored).toMatchObject({ code: 0, json: { outcome: "applied" } });
    expect(crowd.figures()).toMatchObject({ bySite: before, toldTwice: 0 });
    expect(await strayed()).toBe(0);
    const again = await schedule("restore", ["b"], edited);
    expect(again).toMatchObject({ code: 0, json: { changes: false } });
  },
);
