import { expect, test } from "vitest";
import { generator } from "../../../src/lib/schedule/simulate/random.js";
import {
  balanceScenario,
  drillScenario,
  keepAwayScenario,
  restoreScenario,
  shiftScenario,
} from "../../../src/lib/schedule/simulate/scenario.js";
import { simulate, type Simulation } from "../../../src/lib/schedule/simulate/simulate.js";
import { virtualService } from "../../../src/lib/schedule/simulate/virtual.js";
import { TIANJIN, leaveTianjin, service, small } from "./services.js";

/** Chance that never adds anything. */
const still = () => 0;

test("75M users leave a region of 300M at auto pace, nearly as fast as any pace could, and nobody loses a session by it", async () => {
  const evacuation = await service();
  const scenario = await keepAwayScenario(evacuation, leaveTianjin({}));
  let lost = 0;
  const result = simulate(scenario, still, (now, fluid) => {
    lost = Math.max(lost, fluid.without);
    if (now % 100 !== 0) return;
    const users = fluid.census().reduce((sum, one) => sum + one.online + one.waiting, 0);
    expect(users / 300e6).toBeCloseTo(1, 9);
  });
  expect(result.ended).toEqual({ how: "done" });
  expect(result.moved).toBeCloseTo(75e6, -3);
  expect(result.seconds / result.boundSeconds!).toBeLessThan(1.1);
  expect(result.seconds).toBeGreaterThan(result.boundSeconds!);
  expect(result.mostOfLimit).toBeLessThanOrEqual(1);
  expect({ lost, overdue: result.overdue, refused: refused(result) }).toEqual({
    lost: 0,
    overdue: 0,
    refused: 0,
  });
  for (const { capacity, mostOnline } of result.sites)
    expect(mostOnline).toBeLessThanOrEqual(0.9 * capacity + 1);
});

test("with chance, one in a hundred waits for some seconds when sites take few logins", async () => {
  const scenario = await keepAwayScenario(await small(), leaveTianjin({}));
  const result = simulate(scenario, generator(1));
  expect(result.ended).toEqual({ how: "done" });
  expect(result.mostOfLimit).toBeLessThanOrEqual(1);
  expect(result.overdue).toBe(0);
  expect(result.without.times).toBeLessThan(0.01 * result.moved);
  expect(result.without.userSeconds).toBeLessThan(3 * result.without.times);
  expect(result.without.atTheEnd).toBe(0);
});

test("at a pace that is too much for the receivers, logins are refused and the run stops by itself", async () => {
  const pace = { kind: "rate", perSecond: 1_500 } as const;
  const intent = leaveTianjin({ pace, overrides: ["login-rate"] });
  const virtual = await small();
  const unsafe = keepAwayScenario(virtual, leaveTianjin({ pace }));
  await expect(unsafe).rejects.toMatchObject({ code: "unsafe" });
  const result = simulate(await keepAwayScenario(virtual, intent), still);
  expect(result.ended).toMatchObject({ how: "stopped" });
  expect(result.mostOfLimit).toBe(1);
  expect(refused(result)).toBeGreaterThan(0);
  expect(result.moved).toBeLessThan(75e3);
});

test("when all connections are closed at once, everyone waits for a turn and has a session in the end", async () => {
  const intent = leaveTianjin({
    mode: "strong",
    pace: { kind: "unpaced" },
    overrides: ["login-rate"],
  });
  const result = simulate(await keepAwayScenario(await small(), intent), generator(1));
  expect(result.without.most).toBeGreaterThan(74e3);
  expect(result.without.atTheEnd).toBe(0);
  expect(result.mostOfLimit).toBe(1);
  expect(result.moved).toBeCloseTo(75e3, 0);
  // No less than the logins of those users take at the limits.
  expect(result.simulatedSeconds).toBeGreaterThan(result.boundSeconds!);
});

test("a mask moves only those who log in by themselves; when it has ended they come back as they log in", async () => {
  const evacuation = await service({ users: 1e-3, logins: 5e-3 });
  const ttlMs = 20 * 60_000;
  const intent = leaveTianjin({ mode: "mask", ttlMs });
  const result = simulate(await keepAwayScenario(evacuation, intent), still);
  expect(result).toMatchObject({ ended: { how: "done" }, told: 0 });
  const site = result.sites.find(({ id }) => id === "tj-1-a")!;
  const at = (second: number) =>
    site.online[Math.round(second / result.everySeconds)]! / site.before;
  // Each logs in every 6,000 s on average.
  expect(at(1_200)).toBeCloseTo(Math.exp(-1_200 / 6_000), 2);
  expect(at(1_000)).toBeLessThan(at(500));
  const { simulatedSeconds: end } = result;
  expect(at(end)).toBeGreaterThan(Math.exp(-end / 6_000) + 0.02);
});

test("who is told as a mask ends is not sent back to the site that he leaves", async () => {
  const scenario = await keepAwayScenario(
    await small(),
    leaveTianjin({ ttlMs: 100_000, overrides: ["ttl"] }),
  );
  const result = simulate(scenario, still);
  expect(result.moved).toBeLessThan(0.9 * result.toMove);
  // Only own logins go there again: a share of those that were there before.
  const site = result.sites.find(({ id }) => id === "tj-1-b")!;
  const own = site.logins[0]! === 0 ? site.logins[1]! : site.logins[0]!;
  expect(own).toBeGreaterThan(0);
  expect(site.mostLogins).toBeLessThanOrEqual(own + 1);
});

test("restored, everyone is again where they belong, step by step and then at a pace", async () => {
  const scenario = await restoreScenario(await small(), leaveTianjin({}));
  const result = simulate(scenario, still);
  expect(result.ended).toEqual({ how: "done" });
  expect(result.mostOfLimit).toBeLessThanOrEqual(1);
  expect(result.without.times).toBe(0);
  const back = result.sites.filter(({ id }) => TIANJIN.includes(id));
  for (const { before, after } of back)
    expect({ before, any: after > 0 }).toEqual({ before: 0, any: true });
  expect(back.reduce((sum, { after }) => sum + after, 0)).toBeCloseTo(75e3, -1);
});

test("a drill fills a region to 60% and gives everyone back, and no login is refused on either way", async () => {
  const drill = { sites: TIANJIN, upTo: 0.6, batch: null, holdMs: 600_000, reason: "test" };
  const asked = { ...drill, pace: { kind: "auto" } as const, overrides: [] };
  const virtual = await small();
  const result = simulate((await drillScenario(virtual, asked))!, still);
  expect(result.ended).toEqual({ how: "done" });
  expect(result.mostOfLimit).toBeLessThanOrEqual(1);
  expect({ refused: refused(result), times: result.without.times }).toEqual({
    refused: 0,
    times: 0,
  });
  expect(result.moved).toBeCloseTo(result.toMove, -1);
  for (const { id, before, mostOnline, after, capacity } of result.sites) {
    expect(Math.abs(after - before)).toBeLessThanOrEqual(1);
    const peak = TIANJIN.includes(id) ? Math.max(before, 0.6 * capacity) : before;
    expect(mostOnline / peak).toBeCloseTo(1, 3);
  }
  expect(await drillScenario(virtual, { ...asked, upTo: 0.1 })).toBeNull();
});

test("a shift moves so many for good, and leaves room for the logins of those who came first", async () => {
  const to = new Map([
    ["sz-1-a", 60],
    ["sh-1-a", 40],
  ]);
  const filter = { carrier: null, province: null };
  const shift = { from: "tj-1-b", to, filter, users: 10_000, batch: 2_000, reason: "test" };
  const asked = { ...shift, pace: { kind: "auto" } as const, overrides: [] };
  const result = simulate((await shiftScenario(await small(), asked))!, still);
  expect(result.ended).toEqual({ how: "done" });
  const gained = (name: string) => {
    const { before, after } = result.sites.find(({ id }) => id === name)!;
    return after - before;
  };
  expect(gained("tj-1-b")).toBeCloseTo(-10_000, -1);
  expect(gained("sz-1-a")).toBeCloseTo(6_000, -1);
  expect(gained("sh-1-a")).toBeCloseTo(4_000, -1);
  expect(refused(result)).toBe(0);
});

test("a drain leaves nobody", async () => {
  const scenario = await keepAwayScenario(
    await small(),
    leaveTianjin({ sites: ["tj-1-b"], empties: true }),
  );
  const result = simulate(scenario, still);
  expect(result).toMatchObject({ ended: { how: "done" }, change: { what: "drain" } });
  expect(result.sites.find(({ id }) => id === "tj-1-b")).toMatchObject({ after: 0 });
  expect(refused(result)).toBe(0);
});

function refused({ sites }: Simulation): number {
  return sites.reduce((sum, one) => sum + one.refused, 0);
}

test("300M users come from where logins are quickest to where they are best, round after round, and nobody loses a session by it", async () => {
  const { topology, demand, costs, situation } = await service();
  const virtual = await virtualService(
    { topology, demand, costs: () => topology.sets.map(() => 0) },
    "0".repeat(64),
    { now: situation.now, createdAt: new Date(situation.now).toISOString() },
  );
  const known = {
    costs,
    tolls: () => topology.sets.map(() => 5),
    isKnown: () => topology.sets.map(() => true),
  };
  const asked = { reason: "test", most: 0.05, overrides: [] };
  const scenario = await balanceScenario(virtual, asked, known, 60);
  expect(scenario!.legs.length).toBeGreaterThan(10);
  let lost = 0;
  const result = simulate(scenario!, still, (now, fluid) => {
    lost = Math.max(lost, fluid.without);
    if (now % 500 !== 0) return;
    const users = fluid.census().reduce((sum, one) => sum + one.online + one.waiting, 0);
    expect(users / 300e6).toBeCloseTo(1, 9);
  });
  expect(result).toMatchObject({ ended: { how: "done" }, overdue: 0 });
  expect(result.moved / result.toMove).toBeGreaterThan(0.999);
  expect(result.moved / result.toMove).toBeLessThan(1.001);
  expect(result.mostOfLimit).toBeLessThanOrEqual(1);
  expect(lost).toBe(0);
  for (const { capacity, mostOnline } of result.sites)
    expect(mostOnline).toBeLessThanOrEqual(0.9 * capacity + 1);
});
