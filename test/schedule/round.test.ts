import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { overlapOf } from "../../src/lib/keyspace/map.js";
import { decodeStoredPlan, encodePlan } from "../../src/lib/plan/encode.js";
import type { Entry, PolicyClass } from "../../src/lib/policy/document.js";
import { fractionsOf } from "../../src/lib/policy/fractions.js";
import { limitsOf } from "../../src/lib/schedule/problem.js";
import { planOfRound } from "../../src/lib/schedule/change/round/plan.js";
import type { RoundProposal } from "../../src/lib/schedule/change/round/propose.js";
import { costOf } from "../../src/lib/schedule/quality/cost.js";
import { measured } from "../../src/lib/schedule/quality/measured.js";
import { type Known, WORTH_MS, live } from "../../src/lib/schedule/quality/tolls.js";
import { usersOnline } from "../../src/lib/schedule/change/situation.js";
import { loadsOf, staying } from "../../src/lib/schedule/assign/placement.js";
import { generator } from "../../src/lib/schedule/simulate/random.js";
import type { VirtualService } from "../../src/lib/schedule/simulate/virtual.js";
import { CLASSES, SITES, afterwards, figures, propose, unbalanced } from "./rounds.js";

const indexOf = (carrier: string, province: string) =>
  CLASSES.findIndex((one) => one.carrier === carrier && one.province === province);

/** What costs so much, without a doubt. */
function exactly(costs: readonly (readonly number[])[]): Known {
  return {
    costs: (carrier, province) => costs[indexOf(carrier, province)]!,
    tolls: () => SITES.map(() => WORTH_MS / 2),
    isKnown: () => SITES.map(() => true),
  };
}

/** Each class has its own best site, and the others are worse by steps. */
const NEAREST = exactly(CLASSES.map((_, k) => SITES.map((_site, j) => 10 + 20 * ((j + k) % 6))));

function measuredAs(
  service: VirtualService,
  of: Parameters<typeof figures>[1],
  samples = 1e6,
): Known {
  return live(measured(service.topology, service.demand, figures(samples, of)));
}

/** Users whose hash leads elsewhere than before. */
function movedBy(
  before: readonly PolicyClass[],
  after: readonly PolicyClass[],
  service: VirtualService,
): number {
  const users = usersOnline(service.situation);
  return after.reduce((sum, one) => {
    const old = before.find(
      (other) => other.carrier === one.carrier && other.province === one.province,
    )!;
    const share = old.base.reduce(
      (all, a) =>
        one.base.reduce((part, b) => {
          const same = overlapOf(a, b);
          return same === null || a.value === b.value
            ? part
            : part + Number(same.hi - same.lo) / 2 ** 64;
        }, all),
      0,
    );
    const own = users.filter(
      (other) => other.carrier === one.carrier && other.province === one.province,
    );
    return sum + share * own.reduce((all, other) => all + other.users, 0);
  }, 0);
}

function shareAt({ classes }: Pick<RoundProposal, "classes">, site: string): number[] {
  return classes.map(({ base }) => fractionsOf(base).get(site) ?? 0);
}

describe("a round", () => {
  const anyCosts = fc.array(
    fc.array(fc.integer({ min: 5, max: 400 }), {
      minLength: SITES.length,
      maxLength: SITES.length,
    }),
    { minLength: CLASSES.length, maxLength: CLASSES.length },
  );

  it("is as good as any that keeps to its limits, and moves no more than it takes", async () => {
    const service = await unbalanced();
    await fc.assert(
      fc.asyncProperty(anyCosts, fc.constantFrom(0.01, 0.05, 0.3, 1), async (costs, most) => {
        const known = exactly(costs);
        const proposal = await propose(service, known, { most });
        const { figures: made, classes, objections } = proposal;
        expect(objections).toEqual([]);
        const { after, tolls, bound } = made.cost;
        expect(tolls).toBeCloseTo((made.moved * WORTH_MS) / made.online, 1);
        expect((after + tolls) / bound).toBeGreaterThan(1 - 1e-6);
        expect((after + tolls) / bound).toBeLessThanOrEqual(1.001);
        expect(made.moved).toBeLessThanOrEqual(most * made.online * (1 + 1e-6));
        const moved = movedBy(service.situation.policy.classes, classes, service);
        expect(moved / made.moved).toBeGreaterThan(0.999);
        expect(moved / made.moved).toBeLessThanOrEqual(1.001);
        const { topology, demand, situation } = afterwards(service, proposal);
        const limits = limitsOf(topology, demand);
        const users = usersOnline(situation);
        for (const [i, load] of loadsOf(limits, { classes: users }, staying(users)).entries())
          expect(load).toBeLessThanOrEqual(limits[i]!.soft + 1);
      }),
      { numRuns: 25, seed: 20_261_124 },
    );
  });

  it("after round, users come to where they are best, and then nobody moves any more", async () => {
    let service = await unbalanced();
    let last = Infinity;
    let rounds = 0;
    for (; rounds < 60; rounds += 1) {
      const proposal = await propose(service, NEAREST);
      if (proposal.figures.moved === 0) break;
      expect(proposal.figures.moved).toBeLessThanOrEqual(0.05 * proposal.figures.online + 1);
      expect(proposal.figures.cost.after).toBeLessThan(last);
      last = proposal.figures.cost.after;
      service = afterwards(service, proposal);
    }
    expect(rounds).toBeGreaterThan(5);
    expect(rounds).toBeLessThan(60);
    const free = await propose(service, NEAREST, { most: 1 });
    expect(free.figures).toMatchObject({ moved: 0 });
  });

  it("moves nobody who would gain too little, nor so few that it is not worth a change", async () => {
    const service = await unbalanced();
    const close = exactly(
      CLASSES.map((_, k) => SITES.map((_site, j) => 50 + ((j + k) % 2) * 0.9 * WORTH_MS)),
    );
    expect((await propose(service, close)).figures).toMatchObject({ moved: 0, tooFew: 0 });
    const few = await propose(service, NEAREST, { most: 0.0005 });
    expect(few.figures).toMatchObject({ moved: 0 });
    expect(few.figures.tooFew).toBeGreaterThan(40);
    expect(planOfRound(few, service.context)).toBe(null);
  });
});

/** A round trip that is off by chance: nearly a normal distribution. */
function spreadBy(random: () => number, deviation: number): number {
  let sum = -6;
  for (let i = 0; i < 12; i += 1) sum += random();
  return sum * deviation;
}

/** Heartbeats that chance takes, so that what is measured is not what is. */
function sampled(random: () => number, samples: number, loss: number): number {
  let lost = 0;
  for (let i = 0; i < samples; i += 1) if (random() < loss) lost += 1;
  return lost / samples;
}

test("with noise in what is measured, twenty rounds do not go back and forth", async () => {
  const loss = (k: number, j: number) => [0.002, 0.01, 0.02, 0.03, 0.05, 0.08][(j + 2 * k) % 6]!;
  const rtt = (k: number, j: number) => 15 + 4 * ((3 * j + k) % 5);
  const truly = exactly(
    CLASSES.map((_, k) => SITES.map((_site, j) => costOf({ rttMs: rtt(k, j), loss: loss(k, j) }))),
  );
  const rounds = async (seed: number, damped: boolean) => {
    const random = generator(seed);
    let service = await unbalanced();
    const begun = service.situation.policy.classes;
    const moved: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const quality = (k: number, j: number) => ({
        rttMs: rtt(k, j) + 2 * (random() - 0.5),
        loss: sampled(random, 400, loss(k, j)),
      });
      const known = measuredAs(service, quality, 400);
      const free = { ...known, tolls: () => SITES.map(() => 0) };
      const proposal = await propose(service, damped ? known : free, { most: 0.2 });
      moved.push(proposal.figures.moved);
      service = afterwards(service, proposal);
    }
    const all = moved.reduce((a, b) => a + b, 0);
    return { all, between: movedBy(begun, service.situation.policy.classes, service) };
  };
  const service = await unbalanced();
  const { online, cost } = (await propose(service, truly)).figures;
  const free = { ...truly, tolls: () => SITES.map(() => 0) };
  const best = (await propose(service, free, { most: 1 })).figures.cost.after;
  for (const seed of [1, 2, 3]) {
    const { all, between } = await rounds(seed, true);
    // Each user who moves gains at least what a move is worth, so this is the most that all rounds together may move.
    expect(all).toBeLessThanOrEqual((online * (cost.before - best)) / WORTH_MS);
    expect(all).toBeGreaterThan(0.2 * online);
    // And hardly anybody moves twice.
    expect(all / between).toBeLessThan(1.05);
  }
  expect((await rounds(1, false)).all).toBeGreaterThan(2 * online);
});

test("with noise in the round trips alone, twenty rounds do not go back and forth either", async () => {
  const [samples, deviation] = [200, 150];
  const rtt = (k: number, j: number) => 15 + 25 * ((3 * j + k) % 5);
  const rounds = async (seed: number, isTold: boolean) => {
    const random = generator(seed);
    let service = await unbalanced();
    const begun = service.situation.policy.classes;
    let all = 0;
    for (let round = 0; round < 20; round += 1) {
      const quality = (k: number, j: number) => ({
        rttMs: Math.max(0, rtt(k, j) + spreadBy(random, deviation / Math.sqrt(samples))),
        rttVariance: isTold ? deviation ** 2 : null,
        loss: 0,
      });
      const known = measuredAs(service, quality, samples);
      const proposal = await propose(service, known, { most: 0.2 });
      all += proposal.figures.moved;
      service = afterwards(service, proposal);
    }
    return { all, between: movedBy(begun, service.situation.policy.classes, service) };
  };
  const { online } = (await propose(await unbalanced(), NEAREST)).figures;
  for (const seed of [1, 2, 3]) {
    const { all, between } = await rounds(seed, true);
    expect(all).toBeGreaterThan(0.2 * online);
    expect(all / between).toBeLessThan(1.1);
  }
  // Of an agent that does not say how far round trips lie apart nobody knows how far its means are off.
  const { all, between } = await rounds(1, false);
  expect(all / between).toBeGreaterThan(1.3);
});

test("a round waits a minute after another change of its sites, but one of many not after another round", async () => {
  const service = await unbalanced();
  const { now, policy } = service.situation;
  const rules = async (what: string, at: number, more = {}) => {
    const last = { site: "a1", at, what, isUndo: false, actor: "li", isReceiver: true };
    const situation = { ...service.situation, policy: { ...policy, changes: [last] } };
    const { objections } = await propose({ ...service, situation }, NEAREST, { most: 1, ...more });
    return objections.map(({ rule, message }) => `${rule}: ${message}`);
  };
  const said = (what: string) => [`anti-flap: a1 was changed 5s ago (${what}, by li)`];
  const alone = { isOneOfMany: false };
  expect(await rules("balance", now - 5_000, alone)).toEqual(said("balance"));
  expect(await rules("balance", now - 60_000, alone)).toEqual([]);
  expect(await rules("balance", now - 5_000)).toEqual([]);
  expect(await rules("shift", now - 5_000)).toEqual(said("shift"));
});

describe("what is not to be trusted", () => {
  const entry = (fields: Partial<Entry>): Entry => ({
    id: "e",
    site: "a1",
    carrier: null,
    province: null,
    port: null,
    mode: "mask",
    reason: "loss",
    actor: "me",
    epoch: 1n,
    since: 1_000_000_000_000 - 1,
    expires: 1_000_000_000_000 + 60_000,
    ramp: { step: 0.1, everyMs: 1_000 },
    redirects: [],
    ...fields,
  });
  /** Everyone is best at a1, and badly off at b1. */
  const toA1 = exactly(CLASSES.map(() => SITES.map((site) => ({ a1: 5, b1: 500 })[site] ?? 100)));

  it("gets nobody and loses nobody while an entry keeps users away from it, or did until its ramp ends", async () => {
    const service = await unbalanced();
    const { policy } = service.situation;
    for (const expires of [1_000_000_060_000, 999_999_999_999]) {
      const entries = [
        entry({ expires }),
        entry({ id: "f", site: "b1", carrier: "telecom", expires }),
      ];
      const masked = {
        ...service,
        situation: { ...service.situation, policy: { ...policy, entries } },
      };
      const { classes, figures: made } = await propose(masked, toA1);
      expect(made.moved).toBeGreaterThan(0);
      expect(shareAt({ classes }, "a1")).toEqual(shareAt(policy, "a1"));
      for (const [k, share] of shareAt({ classes }, "b1").entries()) {
        const before = shareAt(policy, "b1")[k]!;
        if (CLASSES[k]!.carrier === "telecom") expect(share).toBe(before);
        else expect(share).toBeLessThanOrEqual(before);
      }
    }
  });

  it("gets nobody while a gateway of it is silent, and is left alone while all are", async () => {
    const service = await unbalanced();
    const { situation } = service;
    const silentAt = (site: string) => ({
      node: `${site}-x`,
      role: "gateway" as const,
      site,
      why: "no answer",
    });
    const sick = { ...situation, silent: [silentAt("a1")] };
    const sickRound = await propose({ ...service, situation: sick }, toA1);
    expect(sickRound.view.moves.map(({ to }) => to)).not.toContain("a1");
    const gateways = situation.gateways.filter(({ site }) => site !== "b1");
    const dead = { ...situation, gateways, silent: [silentAt("b1")] };
    const deadRound = await propose({ ...service, situation: dead }, toA1);
    expect(shareAt(deadRound, "b1")).toEqual(shareAt(situation.policy, "b1"));
  });

  it("is no reason to come or to go while too little was measured of it", async () => {
    const service = await unbalanced();
    const quality = (_k: number, j: number) => ({ rttMs: SITES[j] === "a1" ? 5 : 100, loss: 0 });
    const all = figures(1_000, quality);
    const some = all.map((one) => (one.site === "a1" ? { ...one, samples: 90 } : one));
    const known = live(measured(service.topology, service.demand, some));
    const { figures: made } = await propose(service, known);
    // Unicom does not reach two of the six sites.
    expect(made).toMatchObject({ moved: 0, pairs: { measured: 39, all: 48 } });
    // Two agents that have seen a part each have seen enough together.
    const both = [...some, ...some.filter(({ site }) => site === "a1")];
    const enough = live(measured(service.topology, service.demand, both));
    expect((await propose(service, enough)).figures).toMatchObject({ pairs: { measured: 48 } });
    expect((await propose(service, enough)).figures.moved).toBeGreaterThan(0);
  });

  it("does not hold up what leads to a site that is gone: that is mended, however few they are", async () => {
    const service = await unbalanced();
    const { situation, topology } = service;
    const sites = Object.fromEntries(
      Object.entries(situation.policy.sites).filter(([id]) => id !== "c2"),
    );
    const less = { ...topology, sets: topology.sets.filter(({ id }) => id !== "c2") };
    const known: Known = {
      costs: (...of) => NEAREST.costs(...of).slice(0, -1),
      tolls: (...of) => NEAREST.tolls(...of).slice(0, -1),
      isKnown: (...of) => NEAREST.isKnown(...of).slice(0, -1),
    };
    const proposal = await propose({ ...service, topology: less }, known, {
      most: 0.0001,
      sites,
    });
    expect(shareAt(proposal, "c2").every((share) => share === 0)).toBe(true);
    expect(planOfRound(proposal, service.context)).not.toBe(null);
  });
});

test("classes of which nobody is online take nothing from what may move, and are no reason for a round", async () => {
  const service = await unbalanced();
  const { situation } = service;
  const gateways = situation.gateways.map((gateway) => ({
    ...gateway,
    groups: gateway.groups
      .filter(({ carrier, province }) => indexOf(carrier, province) === 0)
      .map((group) => ({ ...group, sessions: group.sessions / 1_000 })),
  }));
  const few = { ...service, situation: { ...situation, gateways } };
  // Whoever is not there would gain the most.
  const known = (gain: number) =>
    exactly(CLASSES.map((_, k) => SITES.map((_site, j) => (j === 5 ? 0 : k === 0 ? gain : 1_000))));
  const moving = await propose(few, known(100), { most: 0.2 });
  const { online, moved } = moving.figures;
  expect(online).toBeCloseTo(25, 0);
  expect(moved).toBeGreaterThan(0.19 * online);
  expect(moved).toBeLessThanOrEqual(0.2 * online);
  expect(movedBy(situation.policy.classes, moving.classes, few)).toBeCloseTo(moved, 1);
  const idle = await propose(few, known(0), { most: 0.2 });
  expect(idle.figures).toMatchObject({ moved: 0, tooFew: 0 });
  expect(planOfRound(idle, service.context)).toBe(null);
});

test("a site that is full gets no more than there is room for, counted by its gateways", async () => {
  const service = await unbalanced();
  const { situation } = service;
  const best = exactly(CLASSES.map(() => SITES.map((site) => (site === "a1" ? 5 : 100))));
  // Users who belong elsewhere are there for the time being.
  const visited = situation.gateways.map((gateway) =>
    gateway.site === "a1"
      ? { ...gateway, groups: [...gateway.groups, { ...CLASSES[0]!, port: 443, sessions: 8_000 }] }
      : gateway,
  );
  const crowded = { ...service, situation: { ...situation, gateways: visited } };
  const { view } = await propose(crowded, best, { most: 1 });
  const came = view.moves
    .filter(({ to }) => to === "a1")
    .reduce((sum, { users }) => sum + users, 0);
  const there = visited
    .filter(({ site }) => site === "a1")
    .flatMap(({ groups }) => groups)
    .reduce((sum, { sessions }) => sum + sessions, 0);
  expect(there + came).toBeLessThanOrEqual(27_000);
  expect(there + came).toBeGreaterThan(26_000);
});

test("the plan changes the fractions, then tells as many as move, part by part; taken back they are called home last", async () => {
  const service = await unbalanced();
  const proposal = await propose(service, NEAREST);
  const plan = planOfRound(proposal, service.context);
  assert(plan !== null);
  expect(decodeStoredPlan(encodePlan(plan), "plan")).toEqual(plan);
  const [, stage] = plan.stages;
  const kinds = stage!.waves.map((wave) => [...new Set(wave.map(({ kind }) => kind))]);
  const part = ["receivers", "relogin"];
  const parts = [part, part, part, part, part];
  expect(kinds).toEqual([["recall"], ["policy"], ["receivers"], ...parts]);
  const steps = stage!.waves.flat();
  const told = steps.flatMap((step) => (step.kind === "relogin" ? [step.sessions!] : []));
  const all = told.reduce((a, b) => a + b, 0);
  expect(Math.abs(all - proposal.figures.moved)).toBeLessThan(told.length);
  const recalls = steps.flatMap((step) => (step.kind === "recall" ? [step.entry] : []));
  const entries = steps.flatMap((step) => (step.kind === "relogin" ? [`${step.entry}-back`] : []));
  expect(new Set(recalls)).toEqual(new Set(entries));
  for (const { logins } of plan.receivers) expect(logins.planned).toBeLessThanOrEqual(logins.limit);
});
