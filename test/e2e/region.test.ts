import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Client, createClient } from "../../src/lib/client/index.js";
import { finalCheck } from "../../src/lib/demo/final-check.js";
import { People } from "../../src/lib/demo/people.js";
import { Population } from "../../src/lib/demo/population.js";
import { Crowd } from "../../src/lib/demo/sessions/crowd.js";
import type { Estimate } from "../../src/lib/plan/types.js";
import { setAgentUrls } from "../../src/lib/topology/edit.js";
import { type TestCluster, startCluster } from "../support/cluster.js";
import { type Ended, type Json, type KillAt, type Running, beginOps } from "./ops-process.js";

const LONG_MS = 300_000;
const USERS = 240;
const KEYSPACE = "profile";

const SPEC = "capacity: { memory: 4GiB, ops: 20k, network: 1Gbps }";
const regionText = (id: string, data: readonly string[], dispatches: boolean) => `
  ${id}:
    idcs:
      ${id}-1:
        carriers: [telecom]
        sets:
          ${id}-a:
            capacity: { onlineUsers: 300, loginsPerSecond: 200 }
            access:
              nodes:
                ${id}-gw: { agent: "http://${id}-gw", ${SPEC} }${
                  dispatches
                    ? `
                ${id}-dp: { agent: "http://${id}-dp", role: dispatch, ${SPEC} }`
                    : ""
                }
            data:
              nodes:${data
                .map(
                  (node) => `
                ${node}: { agent: "http://${node}", engine: embedded, ${SPEC} }`,
                )
                .join("")}`;

/** Of three regions two carry everyone. `sh` writes two of three shards; in `expanded` half of one goes to `sh-3`. */
const topology = (expanded: boolean) => `version: 1
name: region
regions:${regionText("sh", ["sh-1", "sh-2", "sh-3"], true)}${regionText("sz", ["sz-1"], true)}${regionText("tj", ["tj-1"], false)}
keyspaces:
  profile:
    class: relationship
    sync: global
    sharding: range
    domain: 0..3000
    shards:
      p0: { segments: [0..1000], primary: sh-1, replicas: [sz-1] }
      p1: { segments: [1000..${expanded ? 1500 : 2000}], primary: sh-2, replicas: [tj-1] }
      p2: { segments: [2000..3000], primary: tj-1, replicas: [sh-1] }${
        expanded
          ? `
      p3: { segments: [1500..2000], primary: sh-3, replicas: [tj-1] }`
          : ""
      }
demand: { onlineUsers: ${USERS}, carriers: { telecom: 100% }, provinces: { hunan: 100% } }
policy:
  promotion: { reads: [100%], canary: 10%, slices: 2 }
  gates: { window: 200ms, minSamples: 20, maxErrorRate: 100%, maxP99Ratio: 1000, maxLag: 10s }
  bandwidth: { perLink: 100kB/s }
  takeover: { budget: 5s }
  soak: 1s
`;

let cluster: TestCluster;
let dir: string;
let crowd: Crowd;
let clients: Client[];
let population: Population;
/** Planned before there was a policy for users. */
let withoutPolicy: Ended;
const people = new People(3_000, 1);

const begin = (args: readonly string[], killAt: KillAt = 0): Running =>
  beginOps(args, { state: join(dir, "state"), killAt });
const ops = (args: readonly string[], killAt: KillAt = 0): Promise<Ended> =>
  begin(args, killAt).ended;
async function must(...args: string[]): Promise<Json> {
  const { code, stderr, json } = await ops(args);
  if (code !== 0) throw new Error(`ops ${args.join(" ")} ended with ${String(code)}: ${stderr}`);
  return json;
}
const region = (what: string, reason: string, ...more: string[]): string[] => [
  "region",
  what,
  "sh",
  "-t",
  cluster.topologyFile,
  "--reason",
  reason,
  "--yes",
  ...more,
];
const evacuate = (...more: string[]): string[] => {
  const ramp = more.includes("--ramp") ? [] : ["--ramp", "100ms"];
  const ttl = more.includes("--ttl") ? [] : ["--ttl", "10m"];
  return region("evacuate", "fire", "--override", "anti-flap", ...ttl, ...ramp, ...more);
};
const restore = (): string[] => region("restore", "out");
const run = ({ json }: Ended): string => String(json["run"]);

/** The writers of `profile`, by what they write. */
async function writers(): Promise<string[]> {
  const nodes = ["sh-1", "sh-2", "sh-3", "sz-1", "tj-1"].filter((node) => !dead.has(node));
  const held = await Promise.all(
    nodes.map(async (node) => {
      const answer = await fetch(`${cluster.url(node)}/v1/node`);
      const { entries } = (await answer.json()) as {
        entries: { lo: string; role: string }[];
      };
      return entries
        .filter(({ role }) => role === "primary")
        .map(({ lo }) => `${Math.floor(Number(lo) / 1_000)} ${node}`);
    }),
  );
  return [...new Set(held.flat())].toSorted();
}
const dead = new Set<string>();
const HOME = ["0 sh-1", "1 sh-2", "2 tj-1"];
const AWAY = ["0 sz-1", "1 tj-1", "2 tj-1"];

const at = (site: string): number => crowd.figures().bySite[site] ?? 0;

async function everyoneIsWell(): Promise<void> {
  await vi.waitFor(() => expect(crowd.figures().online).toBe(USERS), { timeout: 30_000 });
  expect(crowd.figures()).toMatchObject({ toldTwice: 0, failedLogins: 0 });
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ops-region-"));
  cluster = await startCluster(topology(false));
  const first = join(dir, "first.json");
  await must("shard", "plan", "-t", cluster.topologyFile, "-o", first);
  await must("shard", "apply", first, "--yes");
  withoutPolicy = await ops([...evacuate(), "--dry-run"]);
  await must("schedule", "balance", "-t", cluster.topologyFile, "--reason", "first", "--yes");
  clients = ["sh", "tj"].map((one) =>
    createClient({
      agents: ["sh-1", "sz-1", "tj-1"].map((node) => cluster.url(node)),
      region: one,
      deadlineMs: 60_000,
      retryUnknown: true,
    }),
  );
  population = new Population({ keyspace: KEYSPACE, people, clients, random: Math.random });
  await population.load();
  population.start({ writesPerSecond: 80, readsPerSecond: 40 });
  crowd = new Crowd({
    people: Array.from({ length: USERS }, (_, i) => ({
      uid: BigInt(i),
      carrier: "telecom",
      province: "hunan",
    })),
    dispatch: [cluster.url("sh-dp"), cluster.url("sz-dp")],
    random: Math.random,
  });
  await crowd.start(500);
  await everyoneIsWell();
}, LONG_MS);

afterAll(async () => {
  crowd?.stop();
  await population?.stop();
  await Promise.all((clients ?? []).map((client) => client.close()));
  await cluster?.stop();
  await rm(dir, { recursive: true, force: true });
}, LONG_MS);

describe("a region that burns", { timeout: LONG_MS }, () => {
  it("is not touched by a dry run, which says who and what would move", async () => {
    const { code, json } = await ops([...evacuate(), "--dry-run"]);
    expect({ code, json }).toMatchObject({
      code: 0,
      json: {
        dryRun: true,
        stays: [],
        plan: { kind: "region", scopes: ["keyspace/profile", "schedule"] },
      },
    });
    const kinds = ((json["plan"] as Json)["stages"] as Json[]).map(({ kind }) => kind);
    const order = [
      "reach",
      "preflight",
      "recall",
      "mask",
      "sync",
      "verify",
      "promote-writes",
      "move",
    ];
    expect(kinds).toEqual(order);
    expect(await writers()).toEqual(HOME);
    expect(at("sh-a")).toBeGreaterThan(50);

    // Of an entry that would outlast the users' half, but not the writes before it.
    const plan = json["plan"] as { users: { estimate: Estimate }; estimate: Estimate };
    expect(plan.estimate.seconds).toBeGreaterThan(plan.users.estimate.seconds + 5);
    const short = `${Math.ceil(plan.users.estimate.seconds) + 2}s`;
    const refused = await ops([...evacuate("--ttl", short), "--dry-run"]);
    const error = refused.json["error"] as { code: string; message: string; hint: string };
    expect({ code: refused.code, error: error.code }).toEqual({ code: 3, error: "unsafe" });
    expect(error.message).toMatch(/ttl: until the users have moved it takes about \S+/);
    const [, enough] = /--ttl (\S+) would do/.exec(error.hint)!;
    expect((await ops([...evacuate("--ttl", enough!), "--dry-run"])).code).toBe(0);
  });

  it("is left by its writes although nobody can tell its users where to go, and that is said", () => {
    expect(withoutPolicy).toMatchObject({
      code: 0,
      json: {
        usersStay: expect.stringContaining("no policy") as string,
        plan: { users: null, shards: { kind: "shards" } },
      },
    });
  });

  it("is left by everyone and every write, also when the command is killed between the two", async () => {
    const killed = await ops(evacuate(), "op.accepted");
    expect(killed.signal).toBe("SIGKILL");
    const { runs } = await must("run", "list");
    const { run: begun, activity } = (runs as Json[]).at(-1)!;
    expect(activity).toBe("running");
    // One after the other: both would be in each other's way back.
    for (const second of [evacuate("--mode", "strong"), restore()])
      expect(await ops(second)).toMatchObject({
        code: 3,
        json: {
          error: { hint: expect.stringContaining(`ops run resume ${String(begun)}`) as string },
        },
      });
    expect((await ops(["run", "resume", String(begun)])).code).toBe(0);
    expect(await writers()).toEqual(AWAY);
    expect(at("sh-a")).toBe(0);
    await everyoneIsWell();
    expect(crowd.figures().msWithout).toBe(0);
    expect(await ops(evacuate())).toMatchObject({ code: 0, json: { changes: false } });
  });

  it("is gone back to by the same run, taken back", async () => {
    const { runs } = await must("run", "list");
    const { run: last } = (runs as Json[]).at(-1)!;
    expect(await ops(["run", "rollback", String(last), "--yes"])).toMatchObject({
      code: 0,
      json: { outcome: "rolled-back" },
    });
    expect(await writers()).toEqual(HOME);
    expect(at("sh-a")).toBeGreaterThan(50);
    await everyoneIsWell();
  });

  it("is restored with its writes, later, by a run of its own, which stands back for a mask", async () => {
    const left = await ops(evacuate("--ramp", "300ms"));
    expect(left.code).toBe(0);
    expect(await must("shard", "verify", run(left))).toMatchObject({ run: run(left) });
    const restoring = begin(restore());
    await restoring.event(({ kind, state }) => kind === "ramp" && state === "begun");
    const mask = ["schedule", "mask", "tj-a", "-t", cluster.topologyFile, "--reason", "loss"];
    const masking = [...mask, "--ttl", "1s", "--ramp", "100ms", "--yes"];
    const locked = await ops(masking);
    const asked = String((restoring.lines.find(({ type }) => type === "run") as Json)["run"]);
    expect(locked).toMatchObject({
      code: 5,
      json: { error: { hint: expect.stringContaining(`ops run stop ${asked}`) as string } },
    });
    const by = expect.objectContaining({ command: `ops run stop ${asked} --json` }) as Json;
    expect(await ops(["run", "stop", asked])).toMatchObject({
      json: { activity: "stopped", stop: { reason: "asked", by } },
    });
    expect((await restoring.ended).code).toBe(6);
    expect((await ops(masking)).code).toBe(0);
    const back = await ops(["run", "resume", asked]);
    expect(back).toMatchObject({ code: 0, json: { activity: "ended", outcome: "applied" } });
    expect(await writers()).toEqual(HOME);
    expect(at("sh-a")).toBeGreaterThan(50);
    await everyoneIsWell();
    const idle = await ops(restore());
    expect(idle).toMatchObject({
      code: 0,
      json: {
        changes: false,
        looked: { sites: ["sh-a"], keyspaces: ["profile"], nodes: { answering: 5, all: 5 } },
      },
    });
  });

  it("is left in the middle of an expansion, which is stopped, and goes on when everything is back", async () => {
    const wanted = join(dir, "wanted.yaml");
    const plan = join(dir, "plan.json");
    await writeFile(wanted, setAgentUrls(topology(true), cluster.urls));
    await must("shard", "plan", "-t", wanted, "-o", plan);
    const expansion = begin(["shard", "apply", plan, "--yes"]);
    // Held there until it is asked, however fast it is.
    await expansion.event(({ stage, state }) => stage === "2-attach" && state === "entered");
    expansion.child.kill("SIGSTOP");
    const leaving = begin(evacuate());
    await leaving.event(({ message }) => String(message).startsWith("asked run"));
    expansion.child.kill("SIGCONT");
    const left = await leaving.ended;
    expect(left.code).toBe(0);
    const stopped = await expansion.ended;
    expect(stopped.lines).toContainEqual(
      expect.objectContaining({
        message: expect.stringContaining("ops region evacuate") as string,
      }),
    );
    expect(stopped).toMatchObject({
      code: 6,
      json: {
        error: {
          code: "stopped",
          message: expect.stringContaining("ops region evacuate sh ") as string,
        },
      },
    });
    expect(await writers()).toEqual(AWAY);
    expect(at("sh-a")).toBe(0);

    const expanding = String((expansion.lines.find(({ type }) => type === "run") as Json)["run"]);
    expect(await must("run", "show", expanding)).toMatchObject({
      stop: {
        reason: "asked",
        by: { command: expect.stringMatching(/^ops region evacuate sh /) as string },
      },
    });
    const builtOn = (evacuation: Ended) => ({
      code: 3,
      json: {
        error: { hint: expect.stringContaining(`ops run rollback ${run(evacuation)}`) as string },
      },
    });
    expect(await ops(["shard", "rollback", expanding, "--yes"])).toMatchObject(builtOn(left));
    expect(await ops(["run", "resume", expanding])).toMatchObject(builtOn(left));
    expect(await ops(["run", "resume", expanding, "--dry-run"])).toMatchObject(builtOn(left));
    expect((await ops(["run", "rollback", run(left), "--yes"])).code).toBe(0);
    // As it was when it was stopped: the first slice may have gone over.
    const half = ["0 sh-1", "1 sh-2", "1 sh-3", "2 tj-1"];
    expect([HOME, half]).toContainEqual(await writers());
    expect((await ops(["run", "resume", expanding])).code).toBe(0);
    expect(await writers()).toEqual(half);

    // The same once it soaks; brought back to where the new file has them, the writes are as they were.
    const again = await ops(evacuate());
    expect(again.code).toBe(0);
    expect(await writers()).toEqual(AWAY);
    expect(await ops(["shard", "finalize", expanding, "--yes"])).toMatchObject(builtOn(again));
    const back = ["region", "restore", "sh", "-t", wanted, "--reason", "out", "--yes"];
    expect((await ops(back)).code).toBe(0);
    expect(await writers()).toEqual(half);
    expect((await ops(["shard", "rollback", expanding, "--yes"])).code).toBe(0);
    expect(await writers()).toEqual(HOME);
    await everyoneIsWell();
  });

  it("is left by all that can be: writes of a node that is dead stay, and are named", async () => {
    await cluster.kill9("sh-2");
    dead.add("sh-2");
    const left = await ops(evacuate("--mode", "strong"));
    expect({ code: left.code, stays: left.json["stays"] }).toMatchObject({
      code: 6,
      stays: [{ keyspace: KEYSPACE, node: "sh-2", why: "sh-2 does not answer" }],
    });
    expect(await writers()).toEqual(["0 sz-1", "2 tj-1"]);
    expect(at("sh-a")).toBe(0);
    await cluster.restart("sh-2");
    dead.delete("sh-2");
    expect((await ops(["run", "rollback", run(left), "--yes"])).code).toBe(0);
    expect(await writers()).toEqual(HOME);
  });

  it("has cost nobody a write that was acknowledged", async () => {
    await population.stop();
    const { ledger, wrongReads } = population;
    const check = await finalCheck(Object.values(dataUrls()), KEYSPACE, people, ledger);
    const wrong = [...check.writers, ...check.replicas].flatMap((copy) => copy.wrong);
    expect([...wrong, ...wrongReads]).toEqual([]);
    expect(ledger.acked).toBeGreaterThan(3_000);
  });
});

function dataUrls(): Record<string, string> {
  return Object.fromEntries(Object.entries(cluster.urls).filter(([node]) => /-\d$/.test(node)));
}
