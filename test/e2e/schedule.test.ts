import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { Crowd } from "../../src/lib/demo/sessions/crowd.js";
import { type TestCluster, startCluster } from "../support/cluster.js";
import { type Ended, type Json, type KillAt, beginOps } from "./ops-process.js";
import { sitesTopology } from "./sites.js";

/** A command takes many seconds on a busy machine, and one that a test has given up keeps its lock from the next. */
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const USERS = 600;
const LIMIT = 300;
const SITES = ["sh-a", "sz-a", "tj-a"];

const TOPOLOGY = sitesTopology({
  name: "sites",
  nodes: { sh: ["sh-gw", "sh-dp"], sz: ["sz-gw", "sz-dp"], tj: ["tj-gw"] },
  carriers: "telecom: 40%, unicom: 30%, mobile: 30%",
  without: { sz: ["unicom"] },
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
  const carriers = ["telecom", "telecom", "unicom", "mobile"];
  crowd = new Crowd({
    people: Array.from({ length: USERS }, (_, i) => ({
      uid: BigInt(i),
      carrier: carriers[i % carriers.length]!,
      province: i % 8 < 4 ? "guangdong" : "hebei",
    })),
    dispatch: [cluster.url("sh-dp"), cluster.url("sz-dp")],
    random: Math.random,
  });
});

afterAll(async () => {
  crowd.stop();
  await cluster.stop();
  await rm(state, { recursive: true, force: true });
});

function ops(args: readonly string[], killAt: KillAt = 0): Promise<Ended> {
  return beginOps(args, { state, killAt }).ended;
}

function schedule(what: string, ...args: string[]): Promise<Ended> {
  const common = ["-t", cluster.topologyFile, "--reason", "a test", "--yes"];
  return ops(["schedule", what, ...args, ...common]);
}

const DISABLE = ["sh-a", "--ttl", "10m", "--ramp", "100ms", "--override", "anti-flap"];

const until = async (holds: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(holds, { timeout: 60_000, interval: 50 });

const at = (name: string): number => crowd.figures().bySite[name] ?? 0;

/** Everyone has a session, nobody was told twice, and no site let in more than it takes. */
async function everyoneIsWell(): Promise<void> {
  await until(() => expect(crowd.figures().online).toBe(USERS));
  expect(crowd.figures().toldTwice).toBe(0);
  for (const name of ["sz-gw", "tj-gw"]) {
    const agent = new AgentClient(cluster.url(name));
    const { logins } = await agent.sessions();
    await agent.close();
    expect(logins.peak).toBeLessThanOrEqual(LIMIT);
  }
}

async function lastRun(): Promise<Json> {
  const { json } = await ops(["run", "list"]);
  return (json["runs"] as Json[]).at(-1)!;
}

/** What was measured while the site was dead holds its logins back for a while: the longer that was, the longer. A person goes on then. */
async function restoredOnceWell(): Promise<void> {
  let end = await schedule("restore", "sh-a");
  while ((end.json["error"] as Json | undefined)?.["code"] === "ramp")
    end = await ops(["run", "resume", String((await lastRun())["run"])]);
  expect(end.code).toBe(0);
}

test("without a policy nothing is masked; balance makes the first one, by which users log in", async () => {
  expect(await schedule("mask", "sh-a", "--ttl", "10m")).toMatchObject({
    code: 3,
    json: { error: { code: "no-policy" } },
  });
  expect((await schedule("balance")).code).toBe(0);
  expect(await schedule("balance")).toMatchObject({ code: 0, json: { changes: false } });
  await crowd.start(1_000);
  await until(() => expect(crowd.figures().online).toBe(USERS));
  for (const name of SITES) expect(at(name)).toBeGreaterThan(50);
});

test("a mask is refused that would leave users without a place, with the numbers", async () => {
  const { code, json } = await schedule("mask", "sz-a", "tj-a", "--ttl", "10m");
  expect({ code, error: json["error"] }).toMatchObject({
    code: 3,
    error: { code: "unsafe", message: expect.stringContaining("room: ") as string },
  });
  expect((json["error"] as Json)["message"]).toMatch(
    /100 users have no place.*sh-a: 500 users online/s,
  );
});

test("a weak disable whose command is killed part-way is finished by resume, and nobody is told twice", async () => {
  const before = at("sh-a");
  const args = ["schedule", "disable", ...DISABLE, "--mode", "weak", "-t", cluster.topologyFile];
  const killed = await ops([...args, "--reason", "fire", "--yes"], "op.accepted");
  expect(killed.signal).toBe("SIGKILL");
  const { run, activity } = await lastRun();
  expect(activity).toBe("running");
  const { code } = await ops(["run", "resume", String(run)]);
  expect(code).toBe(0);
  expect(at("sh-a")).toBe(0);
  await everyoneIsWell();
  const smooth = { moves: before, notices: before, msWithout: 0, failedLogins: 0 };
  expect(crowd.figures()).toMatchObject(smooth);
});

test("taken back, it brings those who were moved home, and again nobody is without a session", async () => {
  const { run } = await lastRun();
  expect(await ops(["run", "rollback", String(run), "--yes"])).toMatchObject({
    code: 0,
    json: { outcome: "rolled-back" },
  });
  expect(at("sh-a")).toBeGreaterThan(100);
  await everyoneIsWell();
  expect(crowd.figures()).toMatchObject({ msWithout: 0, failedLogins: 0 });
});

test("a restore is no second run of the same: it ramps, and brings users home", async () => {
  expect((await schedule("disable", ...DISABLE, "--mode", "weak")).code).toBe(0);
  expect(at("sh-a")).toBe(0);
  expect((await schedule("restore", "sh-a")).code).toBe(0);
  expect(at("sh-a")).toBeGreaterThan(100);
  expect(await schedule("restore", "sh-a")).toMatchObject({ code: 0, json: { changes: false } });
  await everyoneIsWell();
});

test("a shift moves so many for good, batch after batch, and taken back leaves everyone where they were", async () => {
  const before = crowd.figures().bySite;
  const shift = ["--from", "sz-a", "--to", "sh-a=60,tj-a=40", "--users", "60", "--batch", "30"];
  const { code, json } = await schedule("shift", ...shift, "--override", "anti-flap");
  expect(code).toBe(0);
  const gone = before["sz-a"]! - at("sz-a");
  expect(gone).toBeGreaterThan(40);
  expect(gone).toBeLessThan(80);
  await everyoneIsWell();

  // Whoever changes them next knows of it, on a machine of his own too: the agents have it. Only for an incident at a site that just
  // got users nobody has to wait.
  const elsewhere = (...args: string[]) =>
    beginOps(["schedule", ...args, "-t", cluster.topologyFile, "--reason", "a test", "--dry-run"], {
      state: join(state, "of-another-machine"),
    }).ended;
  const refused = (site: string, what: string) => ({
    code: 3,
    json: {
      error: {
        code: "unsafe",
        message: expect.stringMatching(
          new RegExp(`anti-flap: ${site} was changed \\S+ ago \\(${what}, by `),
        ) as string,
      },
    },
  });
  const again = ["shift", "--from", "sh-a", "--to", "sz-a", "--users", "30"];
  const mask = (name: string) => elsewhere("mask", name, "--ttl", "10m");
  const [shifted, overridden, left, ...entered] = await Promise.all([
    elsewhere(...again),
    elsewhere(...again, "--override", "anti-flap"),
    mask("sz-a"),
    mask("sh-a"),
    mask("tj-a"),
  ]);
  expect(shifted).toMatchObject(refused("sh-a", "shift"));
  expect(shifted).toMatchObject(refused("sz-a", "shift"));
  expect(overridden.code).toBe(0);
  expect(left).toMatchObject(refused("sz-a", "shift"));
  expect(entered.map(({ code }) => code)).toEqual([0, 0]);

  expect((await ops(["run", "rollback", String(json["run"]), "--yes"])).code).toBe(0);
  await everyoneIsWell();
  expect(crowd.figures().bySite).toEqual(before);
  expect(await elsewhere(...again)).toMatchObject(refused("sh-a", "shift taken back"));
});

test("a site whose agents are all dead is strongly disabled, named, and not restored while it is dead", async () => {
  await cluster.kill9("sh-gw");
  await cluster.kill9("sh-dp");
  const { code, json } = await schedule("disable", ...DISABLE, "--mode", "strong");
  expect(code).toBe(6);
  expect(json["silent"]).toMatchObject([{ node: "sh-dp" }, { node: "sh-gw" }]);
  await everyoneIsWell();
  expect(at("sh-a")).toBe(0);
  expect(await schedule("restore", "sh-a")).toMatchObject({
    code: 3,
    json: { error: { code: "sick-site" } },
  });
  await cluster.restart("sh-gw");
  await cluster.restart("sh-dp");
  await restoredOnceWell();
  expect(at("sh-a")).toBeGreaterThan(100);
  await everyoneIsWell();
});

test("an entry ends by itself with no command about, and users come back as they log in", async () => {
  const { code } = await schedule(
    "mask",
    "sz-a",
    "--ttl",
    "1s",
    "--ramp",
    "50ms",
    "--override",
    "anti-flap",
  );
  expect(code).toBe(0);
  const dispatcher = new AgentClient(cluster.url("sz-dp"));
  try {
    await until(async () => {
      const { levels } = await dispatcher.policy();
      expect(levels).toMatchObject([{ level: 0 }]);
    });
  } finally {
    await dispatcher.close();
  }
});

test("a run whose gateway dies for good is ended without it, which only that may be left out", async () => {
  const slowly = ["sh-a", "--mode", "weak", "--ttl", "10m", "--ramp", "100ms", "--pace", "20"];
  const common = ["-t", cluster.topologyFile, "--reason", "a test", "--yes"];
  await until(() => expect(crowd.figures().online).toBe(USERS));
  const override = ["--override", "anti-flap"];
  await ops(["schedule", "disable", ...slowly, ...override, ...common], "op.accepted");
  const { run } = await lastRun();
  const resume = (...without: string[]) =>
    ops(["run", "resume", String(run), ...without.flatMap((node) => ["--without", node])]);
  expect(await resume("sz-gw")).toMatchObject({ code: 3, json: { error: { code: "answers" } } });
  expect(await resume("sz-1")).toMatchObject({
    code: 64,
    json: { error: { code: "no-such-agent" } },
  });
  await cluster.kill9("sh-gw");
  const { code, json, lines } = await resume("sh-gw");
  expect({ code, json }).toMatchObject({
    code: 6,
    json: { outcome: "applied", without: [{ node: "sh-gw", steps: expect.any(Number) as number }] },
  });
  const notes = lines.filter(({ type }) => type === "note").map(({ message }) => message);
  expect(notes).toContainEqual(expect.stringMatching(/^sh-gw is gone: \d+ steps of it left out$/));
  const { json: shown } = await ops(["run", "show", String(run)]);
  expect(shown["without"]).toEqual(json["without"]);
  await everyoneIsWell();
  expect(at("sh-a")).toBe(0);
  expect(await ops(["run", "rollback", String(run), "--yes"])).toMatchObject({
    code: 6,
    json: { outcome: "rolled-back" },
  });
});
