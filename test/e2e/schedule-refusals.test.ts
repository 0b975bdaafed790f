import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { Crowd } from "../../src/lib/demo/sessions/crowd.js";
import { type TestCluster, startCluster } from "../support/cluster.js";
import { type Ended, type Json, beginOps } from "./ops-process.js";

const PEOPLE = { telecom: 150, unicom: 90, mobile: 60 };
const USERS = 300;

const NODE = "capacity: { memory: 2GiB, ops: 20k, network: 1Gbps }";
const site = (region: string, carriers: string, users: number, others = "") => `
  ${region}:
    idcs:
      ${region}-1:
        carriers: { ${carriers} }
        sets:
          ${region}-a:
            capacity: { onlineUsers: ${users}, loginsPerSecond: 200 }
            access:
              nodes:
                ${region}-gw: { agent: "http://${region}-gw", ${NODE} }${others}`;
const dispatch = (region: string) => `
                ${region}-dp: { agent: "http://${region}-dp", role: dispatch, ${NODE} }`;
const regions = [
  site("sh", "telecom: {}, unicom: {}", 600, dispatch("sh")),
  site("sz", "telecom: {}, unicom: 30, mobile: {}", 120, dispatch("sz")),
  site("tj", "telecom: {}, mobile: {}", 100),
];
/** A service that does not survive every loss: what its rules of capacity would say is what is tried here. */
const TOPOLOGY = `version: 1
name: refusals
regions:${regions.join("")}
keyspaces: {}
demand:
  onlineUsers: ${USERS}
  carriers: { telecom: 50%, unicom: 30%, mobile: 20% }
  provinces: { hebei: 100% }
policy:
  gates: { window: 200ms, minSamples: 20 }
  rules:
    set-capacity: &tried { severity: warning, reason: refusals are tried }
    carrier-capacity: *tried
    carrier-without-site: *tried
`;

let cluster: TestCluster;
let state: string;
let crowd: Crowd;
let agents: AgentClient[];

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), "ops-e2e-"));
  cluster = await startCluster(TOPOLOGY);
  agents = Object.values(cluster.urls).map((url) => new AgentClient(url));
  const kinds = Object.entries(PEOPLE).flatMap(([carrier, n]) => Array<string>(n).fill(carrier));
  crowd = new Crowd({
    people: kinds.map((carrier, i) => ({ uid: BigInt(i), carrier, province: "hebei" })),
    dispatch: [cluster.url("sh-dp"), cluster.url("sz-dp")],
    random: Math.random,
  });
});

afterAll(async () => {
  crowd.stop();
  for (const agent of agents) await agent.close();
  await cluster.stop();
  await rm(state, { recursive: true, force: true });
});

function ops(args: readonly string[]): Promise<Ended> {
  return beginOps(args, { state }).ended;
}

function schedule(what: string, ...args: string[]): Promise<Ended> {
  return ops(["schedule", what, ...args, ...common()]);
}

const common = () => ["-t", cluster.topologyFile, "--reason", "a test", "--yes"];
const TTL = ["--ttl", "10m"];

async function runs(): Promise<Json[]> {
  return (await ops(["run", "list"])).json["runs"] as Json[];
}

/** What must be as it was after a refusal: at every agent and in the state directory, and where users are. */
async function everything(): Promise<unknown> {
  const documents = await Promise.all(agents.map(async (agent) => (await agent.policy()).policy));
  const ran = await readdir(join(state, "runs"));
  const { bySite, notices, lost } = crowd.figures();
  return { documents, ran, bySite, notices, lost };
}

/** Waits until nobody is told any more. */
async function still(): Promise<void> {
  let before: unknown;
  await vi.waitFor(
    async () => {
      const now = await everything();
      const wasSo = isDeepStrictEqual(now, before);
      before = now;
      expect(wasSo).toBe(true);
    },
    { timeout: 30_000, interval: 500 },
  );
}

/** That it is refused by the rule and what that says, and by no other. */
async function expectRefusal(
  command: readonly string[],
  rule: string,
  says: RegExp,
): Promise<void> {
  const [what, ...args] = command;
  const before = await everything();
  const { code, json } = await schedule(what!, ...args);
  const error = json["error"] as Json;
  expect({ code, error }).toMatchObject({ code: 3, error: { code: "unsafe" } });
  const details = error["details"] as { rule: string; message: string }[];
  expect([...new Set(details.map((one) => one.rule))]).toEqual([rule]);
  expect(details.map(({ message }) => message).join("\n")).toMatch(says);
  expect(error["message"]).toContain(`${rule}: `);
  expect(await everything()).toEqual(before);
}

test("users log in by the first policy", async () => {
  expect((await schedule("balance")).code).toBe(0);
  await crowd.start(500);
  await vi.waitFor(() => expect(crowd.figures().online).toBe(USERS), { timeout: 30_000 });
});

test("a site that the others cannot be without is refused with how many have no place, and what is full", async () => {
  const says = /^\d+ users have no place .*full are .*sz-a: 120 users online/;
  await expectRefusal(["mask", "sh-a", ...TTL], "room", says);
});

test("so is one that they cannot be without for one carrier, although they hold everyone", async () => {
  const says = /^60 users have no place \(90 of unicom compete\): full are .*sz-a.*30/;
  await expectRefusal(["mask", "sh-a", "--carrier", "unicom", ...TTL], "room", says);
});

test("the last site of a carrier is, whatever room there is", async () => {
  const mobile = ["sz-a", "tj-a", "--carrier", "mobile", "--override", "room", ...TTL];
  await expectRefusal(
    ["mask", ...mobile],
    "last-site",
    /^no site that mobile reaches would be left$/,
  );
});

test("a pace that the receivers do not take is, with what each would get and takes", async () => {
  const says = /^sh-a would get .* logins\/s .* and takes 200$/m;
  await expectRefusal(
    ["disable", "tj-a", "--mode", "weak", "--pace", "5000", ...TTL],
    "login-rate",
    says,
  );
});

test("a change of what is being changed is, before and after the command of that change dies", async () => {
  const slowly = ["--mode", "weak", "--pace", "20", ...TTL];
  const disable = ["schedule", "disable", "tj-a", ...slowly, ...common()];
  const running = beginOps(disable, { state });
  await running.event(({ type, kind }) => type === "step" && kind === "relogin");
  const again = ["mask", "tj-a", "--carrier", "mobile", "--override", "anti-flap", ...TTL];
  const says = /^tj-a has entry .* \(weak, by .*\) in force$/;
  expect(await schedule("mask", ...again.slice(1))).toMatchObject({
    code: 3,
    json: { error: { details: [{ rule: "one-at-a-time" }] } },
  });
  const other = await schedule("mask", "sz-a", "--carrier", "unicom", ...TTL);
  expect(other).toMatchObject({ code: 5, json: { error: { code: "locked" } } });
  running.child.kill("SIGKILL");
  await running.ended;
  const dead = (await runs()).at(-1)!;
  expect(dead).toMatchObject({ activity: "running" });
  // The gateway ends its part by itself.
  await still();
  await expectRefusal(again, "one-at-a-time", says);
  const before = await everything();
  const shift = ["--from", "sh-a", "--to", "sz-a", "--users", "10"];
  expect(await schedule("shift", ...shift)).toMatchObject({
    code: 3,
    json: {
      error: {
        code: "unfinished-run",
        message: expect.stringContaining(String(dead["run"])) as string,
      },
    },
  });
  expect(await everything()).toEqual(before);
  expect((await ops(["run", "rollback", String(dead["run"]), "--yes"])).code).toBe(0);
});

test("a change within the minute after another one is, with when and by whom that was", async () => {
  const unicom = ["--carrier", "unicom", ...TTL];
  expect((await schedule("mask", "sz-a", ...unicom)).code).toBe(0);
  await expectRefusal(
    ["mask", "sz-a", "--carrier", "mobile", ...TTL],
    "anti-flap",
    /^sz-a was changed .* ago \(mask, by .*\)$/,
  );
});
