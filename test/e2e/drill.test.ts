import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import type { SessionsAnswer } from "../../src/lib/agent/protocol/gateway.js";
import { Crowd } from "../../src/lib/demo/sessions/crowd.js";
import { policyFingerprint } from "../../src/lib/schedule/change/assemble.js";
import { type TestCluster, startCluster } from "../support/cluster.js";
import { type Ended, type Json, type Running, beginOps } from "./ops-process.js";
import { sitesTopology } from "./sites.js";

/** A command takes many seconds on a busy machine, and one that a test has given up keeps its lock from the next. */
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const USERS = 300;
const LIMIT = 150;
/** Uids of nobody of the crowd. */
const STRANGERS = 1_000_000;

const GATEWAYS = ["sh-gw", "sh-gw-2", "sz-gw", "sz-gw-2", "tj-gw"];

const TOPOLOGY = sitesTopology({
  name: "drills",
  nodes: { sh: ["sh-gw", "sh-gw-2"], sz: ["sz-gw", "sz-gw-2", "sz-dp"], tj: ["tj-gw"] },
  carriers: "telecom: 50%, unicom: 50%",
  provinces: "guangdong: 50%, hebei: 50%",
  users: USERS,
  capacity: { onlineUsers: 500, loginsPerSecond: LIMIT },
  gates: "window: 200ms, minSamples: 20",
});

let cluster: TestCluster;
let state: string;
let crowd: Crowd;

/** One story on the same agents and users, step by step. */
beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), "ops-e2e-"));
  cluster = await startCluster(TOPOLOGY);
  crowd = new Crowd({
    people: Array.from({ length: USERS }, (_, i) => ({
      uid: BigInt(i),
      carrier: i % 2 === 0 ? "telecom" : "unicom",
      province: i % 4 < 2 ? "guangdong" : "hebei",
    })),
    dispatch: [cluster.url("sz-dp")],
    random: Math.random,
  });
  const { code, stderr } = await schedule("balance");
  if (code !== 0) throw new Error(stderr);
  await crowd.start(300);
  await everyoneIsWell();
});

afterAll(async () => {
  crowd.stop();
  await cluster.stop();
  await rm(state, { recursive: true, force: true });
});

function begin(what: string, ...args: string[]): Running {
  const common = ["-t", cluster.topologyFile, "--reason", "a test", "--yes"];
  return beginOps(["schedule", what, ...args, ...common], { state });
}

function schedule(what: string, ...args: string[]): Promise<Ended> {
  return begin(what, ...args).ended;
}

function run(...args: string[]): Promise<Ended> {
  return beginOps(["run", ...args], { state }).ended;
}

const DRAIN = ["--ttl", "10m", "--ramp", "100ms", "--override", "anti-flap"];
const DRILL = ["sh-a", "--up-to", "35%", "--hold", "600ms", "--batch", "15"];
/** Another change within a minute. */
const AGAIN = [...DRILL, "--override", "anti-flap"];

const at = (name: string): number => crowd.figures().bySite[name] ?? 0;

async function refusedAtSh(): Promise<number> {
  const answers = await Promise.all(["sh-gw", "sh-gw-2"].map(askGateway));
  return answers.reduce((sum, { logins }) => sum + logins.refused, 0);
}

async function askGateway(name: string): Promise<SessionsAnswer> {
  const agent = new AgentClient(cluster.url(name));
  try {
    return await agent.sessions();
  } finally {
    await agent.close();
  }
}

/** Everyone has a session, nobody was told twice, and no site let in more than it takes. */
async function everyoneIsWell(): Promise<void> {
  await vi.waitFor(() => expect(crowd.figures().online).toBe(USERS), {
    timeout: 30_000,
    interval: 50,
  });
  expect(crowd.figures().toldTwice).toBe(0);
  for (const name of GATEWAYS)
    expect((await askGateway(name)).logins.peak).toBeLessThanOrEqual(LIMIT);
}

async function fingerprints(): Promise<string[]> {
  return Promise.all(
    [...GATEWAYS, "sz-dp"].map(async (name) => {
      const agent = new AgentClient(cluster.url(name));
      try {
        return policyFingerprint((await agent.policy()).policy!);
      } finally {
        await agent.close();
      }
    }),
  );
}

async function lastRun(): Promise<Json> {
  const { json } = await run("list");
  return (json["runs"] as Json[]).at(-1)!;
}

async function portOf(gateway: string): Promise<string> {
  const agent = new AgentClient(cluster.url(gateway));
  try {
    return (await agent.access()).addresses[0]!.url;
  } finally {
    await agent.close();
  }
}

/** A client that is neither of the crowd nor of good manners. Resolves with what the gateway says first. */
function logIn(url: string, uid: number): { socket: WebSocket; answered: Promise<void> } {
  const socket = new WebSocket(url);
  socket.on("error", () => undefined);
  socket.on("open", () =>
    socket.send(
      JSON.stringify({
        type: "login",
        uid: String(uid),
        carrier: "telecom",
        province: "guangdong",
      }),
    ),
  );
  const answered = new Promise<void>((resolve) => {
    socket.once("message", () => resolve());
    socket.once("close", () => resolve());
  });
  return { socket, answered };
}

/** Once the first of those who came have been told to go home. */
async function killOnTheWayBack(command: Running): Promise<void> {
  await command.event(
    ({ type, stage, kind, state: is }) =>
      type === "step" && String(stage).endsWith("-return") && kind === "relogin" && is === "done",
  );
  command.child.kill("SIGKILL");
  expect((await command.ended).signal).toBe("SIGKILL");
}

test("a drain ends when the gateway counts nobody, given twice it is one, and a restore brings users back", async () => {
  const before = crowd.figures();
  expect(await schedule("drain", "sh-a", ...DRAIN)).toMatchObject({ code: 0 });
  expect((await askGateway("sh-gw")).sessions).toBe(0);
  expect((await askGateway("sh-gw-2")).sessions).toBe(0);
  expect(at("sh-a")).toBe(0);
  await everyoneIsWell();
  expect(crowd.figures()).toMatchObject({ msWithout: before.msWithout, failedLogins: 0 });
  expect(await lastRun()).toMatchObject({ outcome: "applied" });
  expect(await schedule("drain", "sh-a", "--ttl", "10m")).toMatchObject({
    code: 0,
    json: { changes: false, already: [{ mode: "weak", site: "sh-a" }] },
  });

  const { json } = await schedule("drill", ...DRILL);
  expect(json["error"]).toMatchObject({ code: "unsafe" });
  const { message } = json["error"] as { message: string };
  expect(message).toMatch(/one-at-a-time: sh-a has entry .*\n {2}anti-flap: sh-a was changed/);
  const shift = ["--from", "sz-a", "--to", "sh-a"];
  const shifted = await schedule("shift", ...shift);
  expect((shifted.json["error"] as { message: string }).message).toContain("anti-flap: sh-a");

  expect((await schedule("restore", "sh-a")).code).toBe(0);
  await everyoneIsWell();
  expect(crowd.figures().bySite).toEqual(before.bySite);
});

test("a drain of a set to which somebody comes back says how many are left; resumed once he has gone, it is done", async () => {
  const url = await portOf("sh-gw");
  let isStubborn = true;
  const comeBack = (): void => {
    const { socket } = logIn(url, STRANGERS);
    // Told to leave he does, and is there again at once.
    socket.on("message", (data) => {
      if ((data as Buffer).toString().includes('"relogin"')) socket.close();
    });
    socket.on("close", () => {
      if (isStubborn) comeBack();
    });
    stop = () => socket.close();
  };
  let stop: () => void = () => undefined;
  const before = (await askGateway("sh-gw")).sessions;
  comeBack();
  await vi.waitFor(async () => expect((await askGateway("sh-gw")).sessions).toBe(before + 1));
  const { code, json } = await schedule("drain", "sh-a", ...DRAIN);
  expect({ code, error: json["error"] }).toMatchObject({
    code: 6,
    error: { code: "not-empty", message: expect.stringContaining("sh-gw still has 1 user") },
  });
  isStubborn = false;
  stop();
  await vi.waitFor(async () => expect((await askGateway("sh-gw")).sessions).toBe(0));
  const { run: id } = await lastRun();
  expect((await run("resume", String(id))).code).toBe(0);
  // Taken back, the others are where they were.
  expect((await run("rollback", String(id), "--yes")).code).toBe(0);
  await everyoneIsWell();
  expect(at("sh-a")).toBeGreaterThan(50);
});

test("a drain that is stopped at its last users says how many it had told, and tells nobody twice", async () => {
  const url = await portOf("sh-gw");
  /** Notices of each session of his. */
  const notices: number[] = [];
  let isStubborn = false;
  let leave: () => void = () => undefined;
  /** He is back before he leaves: whenever his gateway counts, he is there. */
  const comeBack = (before: () => void = () => undefined): void => {
    const own = notices.push(0) - 1;
    const { socket } = logIn(url, STRANGERS + 1 + own);
    socket.on("message", (data) => {
      const message = (data as Buffer).toString();
      if (message.includes('"welcome"')) before();
      if (!message.includes('"relogin"')) return;
      notices[own]! += 1;
      if (!isStubborn) comeBack(() => socket.close());
    });
    leave = () => socket.close();
  };
  const before = (await askGateway("sh-gw")).sessions;
  comeBack();
  await vi.waitFor(async () => expect((await askGateway("sh-gw")).sessions).toBe(before + 1));
  const drain = begin("drain", "sh-a", ...DRAIN);
  await drain.event(({ type, kind, state: is }) => {
    return type === "step" && kind === "empty" && is === "begun";
  });
  // From now on he stays when he is told.
  isStubborn = true;
  await vi.waitFor(() => expect(notices.at(-1)).toBe(1), { timeout: 10_000 });
  drain.child.kill("SIGINT");
  const stopped = await drain.ended;
  expect(stopped.code).toBe(6);
  const said = stopped.lines.filter(({ type }) => type === "note").map(({ message }) => message);
  expect(said).toContainEqual(
    expect.stringMatching(/^sh-gw was stopped: 1 of its users were told on account of sh-a/),
  );
  const { run: id } = await lastRun();
  const resumed = beginOps(["run", "resume", String(id)], { state });
  await resumed.event(({ type, kind }) => type === "step" && kind === "empty");
  leave();
  expect((await resumed.ended).code).toBe(0);
  expect(Math.max(...notices)).toBe(1);
  expect((await run("rollback", String(id), "--yes")).code).toBe(0);
  await everyoneIsWell();
});

test("a drill is refused with its numbers when the others have not so many users, and does nothing where there are enough", async () => {
  const { code, json } = await schedule("drill", "sh-a", "--up-to", "100%");
  expect(code).toBe(3);
  const here = at("sh-a");
  expect((json["error"] as { message: string }).message).toContain(
    `room: sh-a would lack ${500 - USERS} of the ${500 - here} users that make 100%`,
  );
  expect(await schedule("drill", "sh", "--up-to", "5%")).toMatchObject({
    code: 0,
    json: { changes: false },
  });
});

test("a drill fills the site, holds it, and comes back to the same policy, with everyone where they were", async () => {
  const [before, policy] = [crowd.figures(), await fingerprints()];
  const refused = await refusedAtSh();
  const drill = begin("drill", ...AGAIN);
  await drill.event(({ type, stage }) => type === "stage" && String(stage).endsWith("-hold"));
  const peak = crowd.figures();
  expect((await drill.ended).code).toBe(0);
  // 35% of 500, but for chance.
  expect(peak.bySite["sh-a"]).toBeGreaterThan(150);
  expect(peak.bySite["sh-a"]).toBeLessThan(200);
  await everyoneIsWell();
  expect(crowd.figures().bySite).toEqual(before.bySite);
  expect(await fingerprints()).toEqual(policy);
  expect(await refusedAtSh()).toBe(refused);
  expect(crowd.figures().msWithout).toBe(before.msWithout);
  const moved = peak.bySite["sh-a"]! - before.bySite["sh-a"]!;
  expect(crowd.figures().notices - before.notices).toBe(2 * moved);

  // Not twice within a minute; but no site has to wait that burns.
  expect((await schedule("drill", ...DRILL)).json["error"]).toMatchObject({
    code: "unsafe",
    message: expect.stringMatching(/anti-flap: sh-a was changed \S+ ago \(drill, by /) as string,
  });
  const mask = (site: string) => schedule("mask", site, "--ttl", "10m", "--dry-run");
  for (const site of ["sh-a", "sz-a"]) expect((await mask(site)).code).toBe(0);
});

test("a drill whose command is killed on the way there and again on the way back is finished by resume, and nobody is told twice", async () => {
  const [before, policy] = [crowd.figures(), await fingerprints()];
  const killed = beginOps(
    ["schedule", "drill", ...AGAIN, "-t", cluster.topologyFile, "--reason", "a test", "--yes"],
    { state, killAt: "op.accepted" },
  );
  expect((await killed.ended).signal).toBe("SIGKILL");
  const { run: id } = await lastRun();
  await killOnTheWayBack(beginOps(["run", "resume", String(id)], { state }));
  expect((await run("resume", String(id))).code).toBe(0);
  await everyoneIsWell();
  expect(crowd.figures().bySite).toEqual(before.bySite);
  expect(await fingerprints()).toEqual(policy);
  const { notices, moves, msWithout } = crowd.figures();
  expect(notices - before.notices).toBe(moves - before.moves);
  expect(msWithout).toBe(before.msWithout);
});

test("taken back from the middle of its way back a drill leaves everyone where they were, too", async () => {
  const [before, policy] = [crowd.figures(), await fingerprints()];
  await killOnTheWayBack(begin("drill", ...AGAIN));
  const { run: id } = await lastRun();
  expect(await run("rollback", String(id), "--yes")).toMatchObject({
    code: 0,
    json: { outcome: "rolled-back" },
  });
  await everyoneIsWell();
  expect(crowd.figures().bySite).toEqual(before.bySite);
  expect(await fingerprints()).toEqual(policy);
});

test("a site that refuses logins stops its drill on the way there, which says so and the way back; that leads everyone home", async () => {
  const [before, policy] = [crowd.figures(), await fingerprints()];
  const url = await portOf("sh-gw");
  const drill = begin("drill", ...AGAIN);
  await drill.event(({ type, stage }) => type === "stage" && String(stage).endsWith("-drill"));
  const ended = drill.ended.then(() => true);
  for (let uid = STRANGERS; !(await Promise.race([ended, sleep(50)])); uid += 50) {
    const flood = Array.from({ length: 50 }, (_, i) => logIn(url, uid + i));
    await Promise.all(flood.map(({ answered }) => answered));
    for (const { socket } of flood) socket.close();
  }
  const { code, json } = await drill.ended;
  const { run: id } = await lastRun();
  expect({ code, error: json["error"] }).toMatchObject({
    code: 6,
    error: { code: "receivers", message: expect.stringMatching(/sh-a refused \d+ of \d+ logins/) },
  });
  expect(JSON.stringify(json["error"])).toContain(`ops run rollback ${String(id)}`);
  expect(at("sh-a")).toBeLessThan(150);
  expect((await run("rollback", String(id), "--yes")).code).toBe(0);
  await everyoneIsWell();
  expect(crowd.figures().bySite).toEqual(before.bySite);
  expect(await fingerprints()).toEqual(policy);
});

test("one gateway that does not answer keeps nobody from being called back to the others of those that they left", async () => {
  const { bySite } = crowd.figures();
  const drill = begin("drill", ...AGAIN.map((flag) => (flag === "600ms" ? "60s" : flag)));
  await drill.event(({ type, stage }) => type === "stage" && String(stage).endsWith("-hold"));
  drill.child.kill("SIGINT");
  expect((await drill.ended).code).toBe(6);
  expect(at("sh-a")).toBeGreaterThan(150);
  await cluster.kill9("sz-gw-2");
  const { run: id } = await lastRun();
  const { lines } = await run("rollback", String(id), "--yes");
  expect(lines).toContainEqual(
    expect.objectContaining({
      type: "note",
      message: expect.stringContaining(
        "sz-gw-2 does not answer: users are called back all the same",
      ),
    }),
  );
  await vi.waitFor(() => expect(crowd.figures()).toMatchObject({ online: USERS, bySite }), {
    timeout: 30_000,
    interval: 50,
  });
});
