import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { Crowd } from "../../src/lib/demo/sessions/crowd.js";
import { decodeJournal } from "../../src/lib/run/journal/codec.js";
import type { JournalRecord } from "../../src/lib/run/journal/records.js";
import { type TestCluster, startCluster } from "../support/cluster.js";
import { type Json, beginOps } from "./ops-process.js";
import { sitesTopology } from "./sites.js";

/** A command takes many seconds on a busy machine, and one that a test has given up keeps its lock from the next. */
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const USERS = 300;
const STRANGERS = 500;
const LIMIT = 60;

const topology = (checkUrl: string) =>
  sitesTopology({
    name: "gates",
    nodes: { sh: ["sh-gw", "sh-dp"], sz: ["sz-gw"], tj: ["tj-gw"] },
    carriers: "telecom: 100%",
    provinces: "guangdong: 100%",
    users: USERS,
    capacity: { onlineUsers: 2_000, loginsPerSecond: LIMIT },
    gates: `window: 500ms, minSamples: 20, checkUrl: "${checkUrl}"`,
  });

let cluster: TestCluster;
let state: string;
let crowd: Crowd;
let strangers: Crowd;
let check: Server;
/** What the URL of the topology's gates answers. */
let status = 200;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), "ops-e2e-"));
  check = createServer((_, answer) => answer.writeHead(status).end());
  await new Promise<void>((resolve) => check.listen(0, "127.0.0.1", resolve));
  const { port } = check.address() as AddressInfo;
  cluster = await startCluster(topology(`http://127.0.0.1:${port}/well`));
  const crowdOf = (from: number, count: number) =>
    new Crowd({
      people: Array.from({ length: count }, (_, i) => ({
        uid: BigInt(from + i),
        carrier: "telecom",
        province: "guangdong",
      })),
      dispatch: [cluster.url("sh-dp")],
      random: Math.random,
    });
  crowd = crowdOf(0, USERS);
  strangers = crowdOf(USERS, STRANGERS);
});

afterAll(async () => {
  crowd.stop();
  strangers.stop();
  await cluster.stop();
  check.close();
  await rm(state, { recursive: true, force: true });
});

const until = async (holds: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(holds, { timeout: 30_000, interval: 50 });

async function told(node = "sh-gw"): Promise<number> {
  const agent = new AgentClient(cluster.url(node));
  try {
    const { entries } = await agent.sessions();
    return entries.reduce((sum, one) => sum + one.told, 0);
  } finally {
    await agent.close();
  }
}

function begin(what: string, ...args: string[]) {
  const common = ["-t", cluster.topologyFile, "--reason", "a test", "--yes"];
  return beginOps(["schedule", what, ...args, ...common], { state, killAt: 0 });
}

async function lastRun(): Promise<Json> {
  const { json } = await beginOps(["run", "list"], { state, killAt: 0 }).ended;
  return (json["runs"] as Json[]).at(-1)!;
}

/** Three users a second: the parts take 2 s, and then 8 s each: long enough for what is to happen in the middle of one. */
const SLOWLY = ["sh-a", "--mode", "weak", "--ttl", "10m", "--ramp", "100ms", "--pace", "3"];

test("while the URL of the gates does not answer well nobody is told, and the run says so", async () => {
  expect((await begin("balance").ended).code).toBe(0);
  await crowd.start(2_000);
  await until(() => expect(crowd.figures().online).toBe(USERS));
  status = 503;
  const { code, json } = await begin("disable", ...SLOWLY).ended;
  expect({ code, error: json["error"] }).toMatchObject({
    code: 6,
    error: { code: "receivers", message: expect.stringContaining("/well answered 503") as string },
  });
  expect(await told()).toBe(0);
  status = 200;
});

test("receivers that turn bad stop a part in the middle, and nobody more is told then", async () => {
  const { run } = await lastRun();
  const running = beginOps(["run", "resume", String(run)], { state, killAt: 0 });
  await until(async () => expect(await told()).toBeGreaterThan(8));
  await strangers.start(500);
  const { code, json, lines } = await running.ended;
  expect({ code, error: json["error"] }).toMatchObject({
    code: 6,
    error: {
      code: "receivers",
      message: expect.stringMatching(/s[hz]-a|tj-a refused \d+ of \d+ logins/) as string,
    },
  });
  const before = await told();
  const stopped = lines.find(({ message }) => String(message).startsWith("sh-gw was stopped: "));
  expect(stopped).toMatchObject({ type: "note" });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await told()).toBe(before);
});

test("once they are well the run goes on to its end, and nobody was told twice", async () => {
  strangers.stop();
  const { run } = await lastRun();
  await until(async () => {
    const agent = new AgentClient(cluster.url("tj-gw"));
    const { logins } = await agent.sessions();
    await agent.close();
    expect(logins.waiting).toBe(0);
  });
  const { code } = await beginOps(["run", "resume", String(run)], { state, killAt: 0 }).ended;
  expect(code).toBe(0);
  await until(() => expect(crowd.figures()).toMatchObject({ online: USERS, toldTwice: 0 }));
  expect(crowd.figures().bySite["sh-a"] ?? 0).toBe(0);
});

/** Four users a second: about 150 are told, in parts of 2 s and then four of 9 s. */
const ANOTHER = ["sz-a", "--mode", "weak", "--ttl", "10m", "--ramp", "100ms", "--pace", "4"];
const toldAtSz = () => told("sz-gw");

async function untilMore(users: number): Promise<void> {
  const before = await toldAtSz();
  await until(async () => expect(await toldAtSz()).toBeGreaterThan(before + users));
}

async function journal(run: string): Promise<readonly JournalRecord[]> {
  const path = join(state, "runs", run, "journal.ndjson");
  return decodeJournal(await readFile(path), path).records;
}

test("a receiver that hangs is found while users come, although the others are well", async () => {
  const running = begin("disable", ...ANOTHER);
  await until(async () => expect(await toldAtSz()).toBeGreaterThan(8));
  process.kill(cluster.pid("tj-gw"), "SIGSTOP");
  const { code, json } = await running.ended;
  process.kill(cluster.pid("tj-gw"), "SIGCONT");
  expect({ code, error: json["error"] }).toMatchObject({
    code: 6,
    error: {
      code: "receivers",
      message: expect.stringMatching(/tj-gw of tj-a has not answered for \d+(\.\d+)?s/) as string,
    },
  });
});

test("so is one that answers, and is late again and again", async () => {
  const run = String((await lastRun())["run"]);
  const running = beginOps(["run", "resume", run], { state });
  await untilMore(3);
  while (running.child.exitCode === null && running.child.signalCode === null) {
    process.kill(cluster.pid("tj-gw"), "SIGSTOP");
    await sleep(1_300);
    process.kill(cluster.pid("tj-gw"), "SIGCONT");
    await sleep(200);
  }
  const { code, json } = await running.ended;
  expect({ code, error: json["error"] }).toMatchObject({
    code: 6,
    error: {
      code: "receivers",
      message: expect.stringMatching(
        /tj-gw of tj-a lets what comes wait for [\d.]+s \(p99; /,
      ) as string,
    },
  });
});

test("Ctrl-C in a part that a killed process began says how many were told; the next tells only the rest", async () => {
  const run = String((await lastRun())["run"]);
  const killed = beginOps(["run", "resume", run], { state });
  await untilMore(3);
  killed.child.kill("SIGKILL");
  await killed.ended;
  const interrupted = beginOps(["run", "resume", run], { state });
  // The gateway goes on by itself: that users are told does not say that the command is there. It may not have taken it up yet.
  await interrupted.event(({ type }) => type === "run");
  await untilMore(3);
  interrupted.child.kill("SIGINT");
  const { code, json, lines } = await interrupted.ended;
  expect({ code, error: json["error"] }).toMatchObject({ code: 6, error: { code: "stopped" } });
  expect(lines.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^sz-gw was stopped: \d+ of its users were told/),
  );
  expect((await beginOps(["run", "resume", run], { state }).ended).code).toBe(0);
  const records = await journal(run);
  const note = records.findLast((one) => one.type === "evidence" && one.about === "told");
  const { step, facts } = note as Extract<JournalRecord, { type: "evidence" }>;
  const counts = records.flatMap((one) =>
    one.type === "op.intent" && one.step === step ? [Number(one.request["count"])] : [],
  );
  expect(counts.at(-1)).toBe(counts[0]! - Number(facts["users"]));
});
