import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { Superseded } from "../../../src/lib/access/gateway/departures.js";
import type { Crowd } from "../../../src/lib/demo/sessions/crowd.js";
import { probe } from "../../../src/lib/demo/sessions/probe.js";
import { Sites } from "./sites.js";

let sites: Sites;
afterEach(() => sites.stop());

const ALL = { carrier: null, province: null, port: null };
const task = () => ({ signal: new AbortController().signal, report: () => undefined });
const until = async (holds: () => void): Promise<void> => vi.waitFor(holds, { timeout: 20_000 });
const online = (crowd: Crowd, users: number): Promise<void> =>
  until(() => expect(crowd.figures().online).toBe(users));

test("a planned move: everyone is told once, at the pace, and nobody is without a session", async () => {
  sites = await Sites.start({ a: {}, b: {}, c: {} });
  const crowd = sites.crowd(600);
  await crowd.start(2_000);
  await online(crowd, 600);
  expect(crowd.figures().bySite).toEqual({ a: 200, b: 200, c: 200 });

  sites.masked.add("a");
  const a = sites.gateway("a");
  const request = { entry: "mask-a", filter: ALL, count: 150, perSecond: 200, withinMs: 30_000 };
  const reports: number[] = [];
  const first = a.relogin(request, { ...task(), report: (done) => reports.push(done) });
  // Asked again while it goes on, as by a run that was resumed under another name: the new one takes over.
  await until(() => expect(reports.at(-1)).toBeGreaterThan(0));
  const second = a.relogin({ ...request, count: 1_000 }, task());
  await expect(first).rejects.toBeInstanceOf(Superseded);
  const done = await second;
  expect(done).toMatchObject({ overdue: 0, staying: 0 });
  expect(a.figures()).toMatchObject({
    sessions: 0,
    groups: [],
    entries: [{ entry: "mask-a", told: 200, left: 200, overdue: 0, disconnected: 0 }],
  });
  for (const site of ["b", "c"]) {
    const { sessions, logins } = sites.gateway(site).figures();
    expect(sessions).toBe(300);
    expect(logins.total).toBe(300);
  }
  expect(crowd.figures()).toMatchObject({
    online: 600,
    notices: 200,
    moves: 200,
    toldTwice: 0,
    failedLogins: 0,
    msWithout: 0,
    lost: {},
  });
  // And once more when it is over: there is nobody left to tell.
  expect(await a.relogin(request, task())).toMatchObject({ told: 0, left: 0 });
});

test("a filter takes its kind only; who belongs here stays; who does not go in time is closed", async () => {
  sites = await Sites.start({ a: { ports: [0, 0] }, b: {} });
  const a = sites.gateway("a");
  const port = a.addresses[1]!.port;
  // Deaf ones: even uids belong to a, odd ones to b.
  const join = async (carrier: string, i: number) => {
    const socket = new WebSocket(a.addresses[i === 0 ? 0 : 1]!.url);
    const seen: string[] = [];
    socket.on("message", (data) => seen.push(JSON.parse((data as Buffer).toString("utf8")).type));
    socket.on("close", (code) => seen.push(String(code)));
    await new Promise((resolve) => socket.once("open", resolve));
    const login = { type: "login", uid: String(i), carrier, province: "guangdong" };
    socket.send(JSON.stringify(login));
    await until(() => expect(seen).toEqual(["welcome"]));
    return { socket, seen };
  };
  const clients = await Promise.all(["telecom", "telecom", "unicom"].map(join));
  expect(a.figures().groups).toHaveLength(3);
  const order = { entry: "e", count: null, perSecond: null, withinMs: 200 };
  // Nothing is masked: who belongs to this site is not told to leave it.
  const filter = { carrier: "telecom", province: "guangdong", port: null };
  const patient = a
    .relogin({ ...order, filter, withinMs: 60_000 }, task())
    .catch((error: unknown) => error);
  await until(() => expect(clients[1]!.seen).toEqual(["welcome", "relogin"]));
  // Again, with less patience: who was told already is not told again, and is overdue by the new word.
  const late = await join("telecom", 3);
  const again = await a.relogin({ ...order, filter }, task());
  expect(await patient).toBeInstanceOf(Superseded);
  expect(again).toEqual({ told: 1, left: 0, overdue: 2, staying: 1 });
  await until(() => expect(late.seen).toEqual(["welcome", "relogin", "4001"]));
  await until(() => expect(clients[1]!.seen).toEqual(["welcome", "relogin", "4001"]));
  // Strongly, at one port: nobody who belongs there, as long as the site is not masked.
  expect(await a.disconnect({ ...order, filter: { ...ALL, port } }, task())).toMatchObject({
    told: 0,
    staying: 1,
  });
  sites.masked.add("a");
  await a.disconnect({ ...order, filter: { ...ALL, port } }, task());
  await until(() => expect(clients[2]!.seen).toEqual(["welcome", "4002"]));
  expect(clients[0]!.seen).toEqual(["welcome"]);
  expect(a.figures()).toMatchObject({
    sessions: 1,
    entries: [{ told: 2, left: 0, overdue: 2, disconnected: 1 }],
  });
  clients[0]!.socket.close();
});

test("a departure that is cancelled stops where it is, and a gateway that stops says so", async () => {
  sites = await Sites.start({ a: {}, b: {} });
  const crowd = sites.crowd(200);
  await crowd.start(2_000);
  await online(crowd, 200);
  sites.masked.add("a");
  const a = sites.gateway("a");
  const cancel = new AbortController();
  const order = { entry: "e", filter: ALL, count: null, perSecond: 50, withinMs: 5_000 };
  const report = (done: number): void => {
    if (done >= 10) cancel.abort(new Error("cancelled"));
  };
  await expect(a.relogin(order, { signal: cancel.signal, report })).rejects.toThrow("cancelled");
  const { told } = a.figures().entries[0]!;
  expect(told).toBeLessThan(50);
  await until(() => expect(crowd.figures().bySite["b"]).toBe(100 + told));
  await sleep(200);
  expect(a.figures()).toMatchObject({ sessions: 100 - told, entries: [{ told }] });
  a.close();
  await until(() => expect(crowd.figures()).toMatchObject({ online: 200, bySite: { b: 200 } }));
  expect(crowd.figures().lost).toEqual({ 1001: 100 - told });
});

test("a strong disable that outlives its mask ends, and leaves those who have come back alone", async () => {
  sites = await Sites.start({ a: {}, b: {} });
  const crowd = sites.crowd(200);
  await crowd.start(2_000);
  await online(crowd, 200);
  sites.masked.add("a");
  const report = (done: number): void => {
    if (done >= 10) sites.masked.delete("a");
  };
  const order = { entry: "e", filter: ALL, count: null, perSecond: 100 };
  const { signal } = new AbortController();
  const { told, staying } = await sites.gateway("a").disconnect(order, { signal, report });
  expect(told).toBeLessThan(50);
  expect(told + staying).toBeGreaterThanOrEqual(100);
  await online(crowd, 200);
});

test("a strong disable: everyone comes back elsewhere, and never more in a second than a site takes", async () => {
  const limit = 300;
  sites = await Sites.start({
    a: {},
    b: { loginsPerSecond: limit },
    c: { loginsPerSecond: limit },
  });
  const crowd = sites.crowd(900);
  await crowd.start(500);
  await online(crowd, 900);
  sites.masked.add("a");
  await sites
    .gateway("a")
    .disconnect({ entry: "burning", filter: ALL, count: null, perSecond: null }, task());
  await until(() => {
    const { online: back, bySite } = crowd.figures();
    expect({ back, bySite }).toEqual({ back: 900, bySite: { b: 450, c: 450 } });
  });
  const figures = crowd.figures();
  expect(figures.lost).toEqual({ 4002: 300 });
  expect(figures.failedLogins).toBe(0);
  expect(figures.msWithout).toBeGreaterThan(0);
  for (const site of ["b", "c"]) {
    const { logins } = sites.gateway(site).figures();
    expect(logins.peak).toBeLessThanOrEqual(limit);
    expect(logins.total).toBe(450);
  }
});

test("a login storm is refused honestly: who comes back when told gets in", async () => {
  sites = await Sites.start({ a: { loginsPerSecond: 100 } });
  const crowd = sites.crowd(250);
  await crowd.start(10_000);
  await online(crowd, 250);
  const { logins } = sites.gateway("a").figures();
  expect(logins.peak).toBeLessThanOrEqual(100);
  expect(logins.total).toBe(250);
  expect(logins.waiting).toBe(0);
  // Nearly everyone is refused once, and hardly anybody a second time.
  expect(crowd.figures().refused).toBeLessThan(2 * 250);
});

test("a probe without a login is answered and is no session; to a site that does not answer everything is lost", async () => {
  sites = await Sites.start({ a: {} });
  const a = sites.gateway("a");
  const beats: (number | null)[] = [];
  const person = { uid: 7n, carrier: "telecom", province: "x" };
  const probed = (url: string, loss: number) =>
    probe({ site: "a", url, port: 1 }, person, {
      network: () => ({ loss, delayMs: 40 }),
      random: () => 0.5,
      onBeat: (_person, _site, rttMs) => beats.push(rttMs),
    });
  await probed(a.addresses[0]!.url, 0.4);
  expect(beats).toHaveLength(10);
  for (const rttMs of beats) expect(rttMs).toBeGreaterThanOrEqual(40);
  expect(a.figures()).toMatchObject({ sessions: 0, logins: { total: 0, refused: 0 } });
  beats.length = 0;
  await probed(a.addresses[0]!.url, 0.6);
  await probed("ws://127.0.0.1:9", 0);
  expect(beats).toEqual(Array.from({ length: 20 }, () => null));
});

test("what is no login is closed: nonsense, too much, too many, and clients that are gone", async () => {
  sites = await Sites.start({ a: { maxSessions: 1, heartbeatMs: 100, loginWithinMs: 1_500 } });
  const a = sites.gateway("a");
  const codes: number[] = [];
  const talk = (...messages: (string | Buffer)[]): WebSocket => {
    const socket = new WebSocket(a.addresses[0]!.url, { autoPong: false });
    socket.on("error", () => undefined);
    socket.on("close", (code) => codes.push(code));
    socket.on("open", () => {
      for (const message of messages) socket.send(message);
    });
    return socket;
  };
  const login = JSON.stringify({ type: "login", uid: "7", carrier: "telecom", province: "x" });
  const ping = JSON.stringify({ type: "ping", n: 1 });
  for (const [messages, code] of [
    [["{}"], 1008],
    [["not json"], 1008],
    [Array.from({ length: 21 }, () => ping), 1008],
    [[Buffer.from(login)], 1008],
    [[login.replace('"7"', '"18446744073709551616"')], 1008],
    [["x".repeat(2_000)], 1009],
    [[login, login], 1008],
    [[login, ...Array.from({ length: 200 }, () => ping)], 1008],
  ] as const) {
    talk(...messages);
    await until(() => expect(codes).toEqual([code]));
    await until(() => expect(a.figures().sessions).toBe(0));
    codes.length = 0;
  }
  // Pings of the protocol below count too.
  const flood = talk(login);
  flood.on("message", () => {
    for (let i = 0; i < 200; i += 1) flood.ping();
  });
  await until(() => expect(codes).toEqual([1008]));
  await until(() => expect(a.figures().sessions).toBe(0));
  codes.length = 0;
  // Who says nothing is cut, whether it is a WebSocket yet or not.
  const dumb = connect(a.addresses[0]!.port, "127.0.0.1").resume();
  const cut = new Promise((resolve) => dumb.once("close", resolve));
  talk();
  await until(() => expect(codes).toEqual([4003]));
  await cut;
  codes.length = 0;
  // It does not answer heartbeats, and holds the only place until that is noticed.
  talk(login);
  await until(() => expect(a.figures().sessions).toBe(1));
  talk(login);
  await until(() => expect(codes).toContain(1013));
  await until(() => expect(a.figures().sessions).toBe(0));
  expect(a.figures().logins.refused).toBe(1);
});

test("the quality that gateways measure tells the bad way from the good ones", async () => {
  sites = await Sites.start({ a: { heartbeatMs: 100 } });
  const crowd = sites.crowd(60, {
    network: ({ carrier }) => ({
      loss: carrier === "unicom" ? 0.3 : 0,
      delayMs: carrier === "mobile" ? 40 : 0,
    }),
  });
  await crowd.start(1_000);
  await until(() => {
    const { quality } = sites.gateway("a").figures();
    expect(quality.filter(({ samples }) => samples > 100)).toHaveLength(6);
  });
  const { quality } = sites.gateway("a").figures();
  for (const { carrier, province, rttMs, loss } of quality) {
    const good = quality.find((one) => one.carrier === "telecom" && one.province === province)!;
    if (carrier === "unicom") expect(loss! - good.loss!).toBeGreaterThan(0.1);
    if (carrier === "mobile") expect(rttMs! - good.rttMs!).toBeGreaterThan(20);
  }
});
