import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { Crowd } from "../../src/lib/demo/sessions/crowd.js";
import type { RoundFigures } from "../../src/lib/schedule/change/round/propose.js";
import { decodeJournal, encodeRecord } from "../../src/lib/run/journal/codec.js";
import { JOURNAL } from "../../src/lib/state/file/run-directory.js";
import { type TestCluster, startCluster } from "../support/cluster.js";
import { type Ended, type Json, type KillAt, beginOps } from "./ops-process.js";
import { sitesTopology } from "./sites.js";

/** A command takes many seconds on a busy machine, and one that a test has given up keeps its lock from the next. */
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const USERS = 300;
const LIMIT = 200;

const TOPOLOGY = sitesTopology({
  name: "balance",
  nodes: { sh: ["sh-gw", "sh-dp"], sz: ["sz-gw", "sz-dp"], tj: ["tj-gw"] },
  carriers: "telecom: 60%, unicom: 40%",
  provinces: "hebei: 100%",
  users: USERS,
  capacity: { onlineUsers: 400, loginsPerSecond: LIMIT },
  gates: "window: 200ms, minSamples: 20",
});
/** Everyone is best at sh-a, and nobody uses the others. */
const AT_FIRST = ["telecom", "unicom"].flatMap((carrier) =>
  [
    ["sh-a", 10],
    ["sz-a", 60],
    ["tj-a", 60],
  ].map(([at, rttMs]) => ({ carrier, province: "hebei", site: at, rttMs, loss: "0%" })),
);

let cluster: TestCluster;
let state: string;
let crowd: Crowd;
/** Whether the way of telecom to sh-a is bad: late, and lossy. Not so bad that sessions end by it. */
let isBad = false;

/** One story on the same agents and users, step by step. */
beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), "ops-e2e-"));
  cluster = await startCluster(TOPOLOGY, { heartbeatMs: 2_000 });
  await writeFile(join(state, "first.json"), JSON.stringify(AT_FIRST));
  crowd = new Crowd({
    people: Array.from({ length: USERS }, (_, i) => ({
      uid: BigInt(i),
      carrier: i % 5 < 3 ? "telecom" : "unicom",
      province: "hebei",
    })),
    dispatch: [cluster.url("sh-dp"), cluster.url("sz-dp")],
    random: Math.random,
    network: ({ carrier }, to) =>
      isBad && carrier === "telecom" && to === "sh-a"
        ? { loss: 0.02, delayMs: 500 }
        : // More than what a busy machine adds to a round trip now and then.
          { loss: 0, delayMs: to === "sh-a" ? 0 : 150 },
    probesPerSecond: 20,
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

const COMMON = () => ["-t", cluster.topologyFile, "--reason", "a test", "--yes"];
const balance = (...args: string[]) => ["schedule", "balance", ...args, ...COMMON()];
/** Another change within a minute. */
const AGAIN = ["--override", "anti-flap"];
const live = (...args: string[]) => balance("--quality", "live", ...args);

const until = async (holds: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(holds, { timeout: 60_000, interval: 200 });

/** Where the users of a carrier are. */
function at(carrier: string): Record<string, number> {
  const sites = crowd.users.filter(({ person }) => person.carrier === carrier);
  return Object.fromEntries(
    ["sh-a", "sz-a", "tj-a"].map((id) => [id, sites.filter(({ site: own }) => own === id).length]),
  );
}

async function foreseen(...args: string[]): Promise<RoundFigures> {
  const { code, json } = await ops(live("--dry-run", ...args));
  expect(code).toBe(0);
  return json["balance"] as RoundFigures;
}

/** Nobody lost a session or was told twice by the same round, and no site let in more than it takes. */
async function everyoneIsWell(): Promise<void> {
  await until(() => expect(crowd.figures().online).toBe(USERS));
  expect(crowd.figures()).toMatchObject({ toldTwice: 0, msWithout: 0, failedLogins: 0 });
  for (const name of ["sz-gw", "tj-gw"]) {
    const agent = new AgentClient(cluster.url(name));
    const { logins } = await agent.sessions();
    await agent.close();
    expect(logins.peak).toBeLessThanOrEqual(LIMIT);
  }
}

test("the first policy puts everyone at the best site and tells nobody; what nobody measured moves nobody", async () => {
  const { code, json } = await ops(balance("--quality", join(state, "first.json")));
  expect({ code, balance: json["balance"] }).toEqual({ code: 0, balance: null });
  await crowd.start(150);
  await until(() => expect(crowd.figures()).toMatchObject({ online: USERS, notices: 0 }));
  expect(crowd.figures().bySite).toEqual({ "sh-a": USERS });
  expect(await ops(live())).toMatchObject({ code: 0, json: { changes: false } });
});

test("sites that nobody uses are known by the probes of clients, and without a better one nobody moves", async () => {
  await until(async () => {
    expect((await foreseen()).pairs).toEqual({ measured: 6, all: 6 });
  });
  expect(await ops(live())).toMatchObject({ code: 0, json: { changes: false } });
  expect(crowd.figures().bySite).toEqual({ "sh-a": USERS });
});

test("when the way of a carrier to its site gets worse, a round moves so many of its users and no more", async () => {
  isBad = true;
  await until(async () => {
    expect((await foreseen("--most", "10%")).moved).toBeGreaterThan(25);
  });
  const { code, json } = await ops(live("--most", "10%", ...AGAIN));
  expect(code).toBe(0);
  expect((json["balance"] as RoundFigures).cost.after).toBeLessThan(
    (json["balance"] as RoundFigures).cost.before,
  );
  await everyoneIsWell();
  const gone = 180 - at("telecom")["sh-a"]!;
  // Which users that are is by the hashes of their uids.
  expect(gone).toBeGreaterThan(15);
  expect(gone).toBeLessThanOrEqual(45);
  expect(at("unicom")["sh-a"]).toBe(120);
  expect(crowd.figures().moves).toBe(gone);

  const { run } = json;
  expect((await ops(["run", "rollback", String(run), "--yes"])).code).toBe(0);
  await everyoneIsWell();
  expect(crowd.figures().bySite).toEqual({ "sh-a": USERS });
});

test("a round whose command is killed is finished by resume, and the next round moves nobody", async () => {
  expect(await ops(live("--most", "100%"))).toMatchObject({
    code: 3,
    json: {
      error: {
        message: expect.stringMatching(/anti-flap: sh-a .* \(balance taken back, by /) as string,
      },
    },
  });
  expect((await ops(live("--most", "100%", ...AGAIN), "op.accepted")).signal).toBe("SIGKILL");
  const { json } = await ops(["run", "list"]);
  const { run } = (json["runs"] as Json[]).at(-1)!;
  expect((await ops(["run", "resume", String(run)])).code).toBe(0);
  await everyoneIsWell();
  expect(at("telecom")["sh-a"]).toBe(0);
  expect(at("unicom")["sh-a"]).toBe(120);
  expect(await ops(live("--most", "100%"))).toMatchObject({ code: 0, json: { changes: false } });
});

test("round after round: a mask is made in between, its site gets nobody, and Ctrl-C ends it well", async () => {
  const rounds = beginOps(live("--every", "500ms", "--most", "100%"), { state });
  await rounds.event(({ type, round }) => type === "round" && round === 2);
  const mask = ["schedule", "mask", "tj-a", "--ttl", "10m", ...COMMON()];
  await until(async () => expect((await ops(mask)).code).toBe(0));
  const seen = rounds.lines.length;
  await rounds.event(
    (event) => event["type"] === "round" && rounds.lines.indexOf(event) > seen + 1,
  );
  rounds.child.kill("SIGINT");
  const { code, json, lines } = await rounds.ended;
  expect({ code, type: json["type"] }).toEqual({ code: 0, type: "result" });
  expect(json["rounds"]).toBe(lines.filter(({ type }) => type === "round").length);
  await everyoneIsWell();
});

test("many rounds are not a dry run, and a share of nothing is none", async () => {
  expect(await ops(live("--every", "1s", "--dry-run"))).toMatchObject({ code: 64 });
  expect(await ops(live("--most", "0%"))).toMatchObject({ code: 64 });
});

test("rounds end when another process takes over the run of one, which would be in the way of all others", async () => {
  const elsewhere = ["telecom", "unicom"].flatMap((carrier) =>
    ["sh-a", "sz-a"].map((to) => {
      const isBest = (to === "sh-a") === (carrier === "telecom");
      return { carrier, province: "hebei", site: to, rttMs: isBest ? 10 : 200, loss: "0%" };
    }),
  );
  const file = join(state, "elsewhere.json");
  await writeFile(file, JSON.stringify(elsewhere));
  const args = ["--quality", file, "--every", "500ms", "--most", "100%"];
  const rounds = beginOps(balance(...args), { state });
  const { run } = (await rounds.event(({ type }) => type === "run")) as { run: string };
  await rounds.event(({ type, kind }) => type === "step" && kind === "receivers");
  rounds.child.kill("SIGSTOP");
  const journal = join(state, "runs", run, JOURNAL);
  const { records, hash } = decodeJournal(await readFile(journal), journal);
  const { seq, time } = records.at(-1)!;
  const stopped = { type: "run.stopped", reason: "signal", step: null, error: null } as const;
  await appendFile(journal, `${encodeRecord(stopped, seq + 1, time, hash).line}\n`);
  rounds.child.kill("SIGCONT");
  const { code, json } = await rounds.ended;
  expect({ code, error: json["error"] }).toMatchObject({ code: 5, error: { code: "lock-lost" } });
  expect((await ops(["run", "resume", run])).code).toBe(0);
  await everyoneIsWell();
});

test("Ctrl-C after a round in which an agent was silent is not all well, as of a single round", async () => {
  await cluster.kill9("sz-dp");
  expect(await ops(live("--most", "100%", ...AGAIN))).toMatchObject({ code: 6 });
  const rounds = beginOps(live("--every", "500ms", "--most", "100%"), { state });
  await rounds.event(({ type, round }) => type === "round" && round === 1);
  rounds.child.kill("SIGINT");
  const { code, json } = await rounds.ended;
  expect({ code, silent: json["silent"] }).toMatchObject({ code: 6, silent: [{ node: "sz-dp" }] });
});
