import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { SessionsAnswer } from "../../src/lib/agent/protocol/gateway.js";
import type { OperationRequest } from "../../src/lib/agent/protocol/operation.js";
import { Connection } from "../../src/lib/demo/sessions/connection.js";
import { Crowd } from "../../src/lib/demo/sessions/crowd.js";
import { peopleOf } from "../../src/lib/demo/sessions/people.js";
import { Sites } from "../../src/lib/demo/sites.js";

const USERS = 360;
const LIMIT = 150;
const ALL = { carrier: null, province: null, port: null };

let dir: string;
let sites: Sites;
let crowd: Crowd;
/** The carrier whose users lose heartbeats at site c. */
let bad: string | null = null;

/** One story on the same agents, step by step. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ops-gateway-"));
  const limits = { loginsPerSecond: LIMIT, maxSessions: 1_000, heartbeatMs: 1_000 };
  sites = await Sites.start({ dir, sites: { a: limits, b: limits, c: limits }, dispatchers: 2 });
  crowd = new Crowd({
    people: peopleOf(USERS),
    dispatch: sites.dispatchUrls,
    random: Math.random,
    network: ({ carrier }, site) => ({
      loss: carrier === bad && site === "c" ? 0.3 : 0,
      delayMs: 0,
    }),
  });
});

afterAll(async () => {
  crowd.stop();
  await sites.stop();
  await rm(dir, { recursive: true, force: true });
});

const until = async (holds: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(holds, { timeout: 30_000, interval: 50 });

const allElsewhere = (than: string) => () => {
  const { online, bySite } = crowd.figures();
  expect({ online, there: bySite[than] ?? 0 }).toEqual({ online: USERS, there: 0 });
};

async function withinLimits(): Promise<void> {
  for (const site of ["b", "c"]) {
    const { logins } = await sites.agent(site).sessions();
    expect(logins.peak).toBeLessThanOrEqual(LIMIT);
  }
}

test("users log in through dispatch, and a gateway knows them by kind and port", async () => {
  await crowd.start(2_000);
  await until(() => expect(crowd.figures().online).toBe(USERS));
  const told = await Promise.all(sites.sites.map((site) => sites.agent(site).sessions()));
  const here = crowd.figures().bySite;
  expect(told.map(({ sessions }) => sessions)).toEqual(sites.sites.map((site) => here[site]));
  for (const { groups, sessions, logins } of told) {
    expect(sessions).toBeGreaterThan(USERS / 5);
    expect(groups.reduce((all, group) => all + group.sessions, 0)).toBe(sessions);
    expect(new Set(groups.map(({ carrier, province }) => `${carrier} ${province}`)).size).toBe(9);
    expect(logins.peak).toBeLessThanOrEqual(LIMIT);
  }
  const { role, policy, access } = await sites.agent("a").node();
  expect({ role, policy }).toEqual({ role: "gateway", policy: 1 });
  expect(access).toMatchObject({ site: "a", addresses: [{ site: "a" }, { site: "a" }] });
  const metrics = await (await fetch(`${sites.cluster.urlOf("a")}/metrics`)).text();
  expect(metrics).toMatch(/ops_sessions\{carrier="telecom",province="sichuan",port="\d+"/);
});

test("a weak disable goes on without its asker, at its pace, and tells nobody twice however often it is asked for", async () => {
  const at = crowd.figures().bySite["a"]!;
  const relogin: OperationRequest = {
    kind: "relogin",
    entry: "weak-a",
    filter: ALL,
    count: null,
    perSecond: 100,
    withinMs: 30_000,
  };
  await sites.publish([sites.entry("a", "weak")]);
  await sites.put("a", "weak-a-first-1", { ...relogin, count: 40 });
  // Nobody asks how it goes: only the users tell.
  await until(() => expect(crowd.figures().bySite["a"]).toBe(at - 40));
  await sites.put("a", "weak-a-second", relogin);
  await sites.put("a", "weak-a-second", relogin);
  await until(async () => {
    const { entries } = await sites.agent("a").sessions();
    expect(entries[0]!.told).toBeGreaterThan(50);
  });
  // The same under another name, as after the loss of a state directory.
  await sites.put("a", "weak-a-again-3", relogin);
  expect(await sites.ended("a", "weak-a-second")).toMatchObject({
    state: "failed",
    error: { code: "superseded", outcome: "partial" },
  });
  expect(await sites.ended("a", "weak-a-again-3")).toMatchObject({
    state: "succeeded",
    progress: { unit: "sessions" },
    result: { overdue: 0, staying: 0 },
  });
  const { sessions, entries } = await sites.agent("a").sessions();
  expect(sessions).toBe(0);
  expect(entries).toMatchObject([{ entry: "weak-a", told: at, left: at, overdue: 0 }]);
  expect(crowd.figures()).toMatchObject({
    online: USERS,
    moves: at,
    notices: at,
    toldTwice: 0,
    failedLogins: 0,
    msWithout: 0,
    lost: {},
  });
  await withinLimits();
});

test("who is called home on account of one entry is told, and nobody whom another one moved", async () => {
  await sites.publish([]);
  const call: OperationRequest = {
    kind: "relogin",
    entry: "weak-a-back",
    filter: ALL,
    count: null,
    perSecond: 140,
    withinMs: 30_000,
  };
  const callFrom = async (site: string, name: string, request: OperationRequest) => {
    await sites.put(site, name, request);
    return (await sites.ended(site, name)).result;
  };
  for (const site of ["b", "c"]) await callFrom(site, `all-home-from-${site}`, call);
  const home = crowd.figures().bySite;
  await sites.publish([sites.entry("a", "weak"), sites.entry("b", "weak")]);
  for (const site of ["a", "b"])
    await callFrom(site, `away-from-${site}`, { ...call, entry: `away-${site}` });
  await until(() => expect(crowd.figures().bySite).toEqual({ c: USERS }));
  // One of the two is taken back as the other ends by itself, whose users come back as they log in.
  await sites.publish([]);
  const back = { ...call, entry: "away-a-back", home: "a" };
  expect(await callFrom("c", "away-a-back-from-c", back)).toMatchObject({
    told: home["a"],
    staying: USERS - home["a"]!,
  });
  await until(() =>
    expect(crowd.figures().bySite).toEqual({ a: home["a"], c: USERS - home["a"]! }),
  );
  await callFrom("c", "away-b-back-from-c", { ...call, entry: "away-b-back", home: "b" });
  await until(() => expect(crowd.figures().bySite).toEqual(home));
  await withinLimits();
  // As after a weak disable of a once more.
  await sites.publish([sites.entry("a", "weak")]);
  await callFrom("a", "away-once-more", { ...call, entry: "once-more" });
});

test("an operation that ran when its gateway was killed can be asked for again", async () => {
  await sites.publish([]);
  // Back to where they belong: each site tells those who are not at home.
  const home: OperationRequest = {
    kind: "relogin",
    entry: "restore-a",
    filter: ALL,
    count: null,
    perSecond: 20,
    withinMs: 30_000,
  };
  await sites.put("b", "restore-from-b", home);
  await until(() => expect(crowd.figures().bySite["a"]).toBeGreaterThan(10));
  const before = await sites.agent("b").access();
  await sites.cluster.kill9("b");
  await until(allElsewhere("b"));
  await sites.cluster.restart("b");
  expect(await sites.agent("b").operation("restore-from-b")).toMatchObject({
    state: "interrupted",
  });
  await sites.put("b", "restore-from-b", home);
  expect(await sites.ended("b", "restore-from-b")).toMatchObject({
    state: "succeeded",
    result: { told: 0 },
  });
  // On the ports that clients know: who belongs there and had gone on to c comes back.
  expect(await sites.agent("b").access()).toEqual(before);
  await sites.put("c", "restore-from-c", { ...home, entry: "restore-b", perSecond: 140 });
  await until(() => expect(crowd.figures().bySite["b"]).toBeGreaterThan(20));
});

test("a gateway is killed with its site: its users are elsewhere soon, and the strongly disabled site takes nobody", async () => {
  expect(await sites.ended("c", "restore-from-c")).toMatchObject({ state: "succeeded" });
  const at = crowd.figures().bySite["b"]!;
  await sites.publish([sites.entry("b", "strong")]);
  const strong = { entry: "strong-b", filter: ALL, count: null, perSecond: 200 };
  await sites.put("b", "strong-b-1", { kind: "disconnect", ...strong });
  expect((await sites.ended("b", "strong-b-1")).result).toMatchObject({ told: at });
  await until(allElsewhere("b"));
  expect(crowd.figures().lost[4002]).toBe(at);
  // Who has an old list does not get in either.
  const [person] = peopleOf(1);
  const { addresses } = await sites.agent("b").access();
  const attempt = await Connection.open(addresses[0]!, person!, {
    network: () => ({ loss: 0, delayMs: 0 }),
    random: Math.random,
    onBeat: () => undefined,
    onNotice: () => undefined,
    onClosed: () => undefined,
  });
  expect(attempt).toMatchObject({ outcome: "refused", code: "elsewhere" });

  await sites.cluster.kill9("a");
  await until(() => expect(crowd.figures()).toMatchObject({ online: USERS, bySite: { c: USERS } }));
  await withinLimits();
  const { longestMsWithout, msWithout, failedDispatches } = crowd.figures();
  expect(msWithout).toBeGreaterThan(0);
  expect(longestMsWithout).toBeLessThan(30_000);
  expect(failedDispatches).toBe(0);
});

test("a bad way shows in what its gateway measures, and in what users report to dispatchers", async () => {
  bad = "unicom";
  const expectWorst = (figures: SessionsAnswer["quality"]): void => {
    const known = figures.filter(({ site, loss }) => site === "c" && loss !== null);
    expect(known).toHaveLength(9);
    const losses = (of: boolean) =>
      known.filter(({ carrier }) => (carrier === bad) === of).map(({ loss }) => loss!);
    expect(Math.min(...losses(true))).toBeGreaterThan(Math.max(0.1, ...losses(false)));
  };
  await until(async () => {
    expectWorst((await sites.agent("c").sessions()).quality);
    for (const url of sites.dispatchUrls) {
      const answer = (await (await fetch(`${url}/v1/quality`)).json()) as {
        figures: SessionsAnswer["quality"];
      };
      expectWorst(answer.figures);
    }
  });
});
