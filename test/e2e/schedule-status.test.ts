import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Crowd } from "../../src/lib/demo/sessions/crowd.js";
import { connectAgents } from "../../src/lib/run/agents.js";
import { systemClock } from "../../src/lib/run/clock.js";
import { type ScheduleStatus, readScheduleStatus } from "../../src/lib/run/schedule-status.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import { parseTopology } from "../../src/lib/topology/parse.js";
import { type TestCluster, startCluster } from "../support/cluster.js";
import { type Ended, type Running, beginOps } from "./ops-process.js";

const LONG_MS = 600_000;
const USERS = 30;

const node = (port: number, more = "") =>
  `{ agent: "http://127.0.0.1:${port}"${more}, capacity: { memory: 1GiB, ops: 50k, network: 1Gbps } }`;
const site = (id: string, nodes: string) => `
      ${id}-1:
        carriers: [telecom]
        sets:
          ${id}:
            capacity: { onlineUsers: 1k, loginsPerSecond: 200 }
            access: { nodes: { ${nodes} } }`;
/** Three sites, each with a gateway; dispatchers at two of them. */
const TOPOLOGY = `version: 1
name: users
regions:
  east:
    idcs:${site("a", `ga: ${node(7701)}, d1: ${node(7702, ", role: dispatch")}`)}${site("b", `gb: ${node(7703)}, d2: ${node(7704, ", role: dispatch")}`)}${site("c", `gc: ${node(7705)}`)}
keyspaces: {}
demand: { onlineUsers: 300, loginsPerSecond: 30, carriers: { telecom: 100% } }
`;

let cluster: TestCluster;
let crowd: Crowd;
let state: string;
beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), "ops-status-"));
  cluster = await startCluster(TOPOLOGY);
  const people = Array.from({ length: USERS }, (_, i) => ({
    uid: BigInt(i),
    carrier: "telecom",
    province: "hunan",
  }));
  const dispatch = [cluster.url("d1")];
  crowd = new Crowd({ people, dispatch, random: Math.random });
}, LONG_MS);
afterAll(async () => {
  crowd?.stop();
  await cluster?.stop();
  await rm(state, { recursive: true, force: true });
});

function begin(...args: string[]): Running {
  return beginOps(["schedule", ...args, "-t", cluster.topologyFile], { state });
}

async function mask(...args: string[]): Promise<Ended> {
  return begin("mask", ...args, "--reason", "loss", "--yes").ended;
}
const LONG = ["--ttl", "30m"];

function status(): Promise<ScheduleStatus> {
  const store = new FileStateStore(state);
  const topology = parseTopology(cluster.topologyText, "t");
  return readScheduleStatus({ store, connect: connectAgents, clock: systemClock }, topology);
}

const entriesOf = ({ sites }: ScheduleStatus, id: string) =>
  sites.find((one) => one.id === id)!.entries;

test(
  "users, masks and agents are as they are; a mask that is there is not made twice",
  { timeout: LONG_MS },
  async () => {
    expect((await status()).policy).toBeNull();
    expect((await begin("balance", "--reason", "first", "--yes").ended).code).toBe(0);
    await crowd.start(100);
    while (crowd.figures().online < USERS) await sleep(20);

    // Each gateway and each dispatcher answers.
    const first = await status();
    expect(first).toMatchObject({ policy: 1, online: USERS, silent: [] });
    expect(first.carriers).toMatchObject([{ id: "telecom", online: USERS }]);
    const bySite = Object.fromEntries(first.sites.map(({ id, online }) => [id, online]));
    expect(bySite).toEqual({ a: 0, b: 0, c: 0, ...crowd.figures().bySite });
    for (const one of first.sites)
      expect(one).toMatchObject({
        capacity: 1_000,
        gateways: { answering: 1, all: 1 },
        logins: { limit: 200 },
        entries: [],
      });

    // It ends by itself, and those who look are told how far it is, until they look no more.
    expect((await mask("c", "--ttl", "1s", "--ramp", "1s")).code).toBe(0);
    const watching = begin("status", "--watch");
    const ending = (event: unknown) => entriesOf(event as ScheduleStatus, "c")[0]!;
    await watching.event((event) => {
      expect(event).toMatchObject({ type: "status", online: USERS });
      return ending(event).leftMs < 0 && ending(event).levels.some(({ level }) => level < 1);
    });
    const unwatched = once(watching.child, "exit");
    watching.child.stdout!.destroy();

    // The mask is made once.
    const made = await mask("a", ...LONG);
    expect(made.code).toBe(0);
    const masked = await status();
    const [entry] = entriesOf(masked, "a");
    expect(entry).toMatchObject({
      mode: "mask",
      reason: "loss",
      carrier: null,
      levels: [
        { node: "d1", level: 1, held: false },
        { node: "d2", level: 1, held: false },
      ],
      lacking: [],
    });
    const [again, both, shown] = await Promise.all([
      mask("a", ...LONG),
      mask("a", "b", ...LONG, "--dry-run"),
      beginOps(["run", "show", String(made.json["run"])], { state }).ended,
    ]);
    expect(shown.json["change"]).toMatchObject({ what: "mask", sites: ["a"], reason: "loss" });
    expect(again.code).toBe(0);
    expect(again.json).toMatchObject({ changes: false, already: [{ id: entry!.id }] });
    expect(both.code).toBe(0);
    expect(both.json).toMatchObject({
      dryRun: true,
      plan: { change: { sites: ["b"] } },
      already: [{ id: entry!.id }],
    });
    expect((await status()).agents).toEqual(masked.agents);

    // A dispatcher that is dead is named, and once it is back it has what it missed: it asks the others.
    await cluster.kill9("d2");
    const [dead, partial] = await Promise.all([begin("status").ended, mask("b", ...LONG)]);
    expect(dead).toMatchObject({ code: 6, json: { silent: [{ node: "d2", site: "b" }] } });
    expect(partial.code).toBe(6);
    await cluster.restart("d2");
    const back = await status();
    expect(back.agents.filter(({ version }) => version !== back.policy)).toEqual([]);
    expect(entriesOf(back, "b")).toMatchObject([{ reason: "loss", lacking: [] }]);
    expect((await mask("b", ...LONG)).json).toMatchObject({ changes: false });
    // It may have looked once more while d2 was dead.
    expect([0, 6]).toContain(((await unwatched) as [number | null])[0]);
  },
);
