import { describe, expect, it } from "vitest";
import { decodeStoredPlan, encodePlan } from "../../../src/lib/plan/encode.js";
import type { UserPlan } from "../../../src/lib/plan/users/types.js";
import { sayStep, sayUndo } from "../../../src/lib/plan/say.js";
import { planKeepAway } from "../../../src/lib/schedule/change/keep-away.js";
import { paceOf, pacePlanned } from "../../../src/lib/schedule/change/pace.js";
import type { PolicyDocument } from "../../../src/lib/policy/document.js";
import {
  CLASSES,
  CONTEXT,
  COSTS,
  INTENT,
  POLICY,
  SITUATION,
  TOPOLOGY,
  gateway,
  planOf,
  proposed,
  stepsOf,
} from "./situation.js";

describe("a plan that moves users", () => {
  it("moves those of the site and nobody else, where they find room", async () => {
    const { moves, receivers, pace } = await proposed();
    expect(new Set(moves.map(({ from }) => from))).toEqual(new Set(["sh-a"]));
    expect(moves.reduce((sum, { users }) => sum + users, 0)).toBeCloseTo(200);
    for (const { after, capacity, logins } of receivers) {
      expect(after).toBeLessThanOrEqual(capacity);
      expect(logins.planned).toBeLessThanOrEqual(logins.limit);
    }
    expect(pace.seconds / pace.boundSeconds).toBeCloseTo(1 / 0.95);
  });

  it("does not pace those of a site that is dead: they come by themselves", async () => {
    const silent = [{ node: "sh-a-gw", role: "gateway" as const, site: "sh-a", why: "dead" }];
    const gateways = SITUATION.gateways.slice(1);
    const { moves, pace } = await proposed({ mode: "strong" }, { gateways, silent });
    expect(moves.length).toBeGreaterThan(0);
    expect(pace).toMatchObject({ perSecond: 0, seconds: 0 });
  });

  const ofPort80 = (policy: PolicyDocument) =>
    planKeepAway(
      { topology: TOPOLOGY, demand: TOPOLOGY.demand!, costs: COSTS },
      { ...SITUATION, policy },
      { ...INTENT, filter: { carrier: null, province: null, port: 80 } },
      (site) => `${site}-1`,
      CONTEXT,
    );

  it("of one port has the site itself for a receiver, and is as fast as that takes logins", async () => {
    const plan = await ofPort80(POLICY);
    const { moves, receivers, pace } = plan;
    expect(moves).toEqual(CLASSES.map((one) => ({ ...one, from: "sh-a", to: "sh-a", users: 50 })));
    expect(receivers).toMatchObject([{ site: "sh-a", before: 200, after: 200 }]);
    // 0.95 of the 98 logins that it has to spare: who stays there makes no others.
    expect(pace.perSecond).toBeCloseTo(93.1);
    const steps = stepsOf(plan);
    expect(steps.find(({ kind }) => kind === "relogin")).toMatchObject({
      perSecond: pace.perSecond,
    });
    expect(steps.find(({ kind }) => kind === "receivers")).toMatchObject({
      receivers: [{ site: "sh-a" }],
    });
  });

  it("of the only port of a site is one of the site", async () => {
    const { addresses, ...site } = POLICY.sites["sh-a"]!;
    const only = { ...site, addresses: addresses.filter(({ port }) => port === 80) };
    const { receivers } = await ofPort80({ ...POLICY, sites: { ...POLICY.sites, "sh-a": only } });
    expect(receivers.map(({ site: id }) => id).toSorted()).toEqual(["sz-a"]);
  });

  it("to sites that do not hold them, as a person wants it, is not stopped by that, and says so", async () => {
    const gatesOf = (plan: UserPlan) => stepsOf(plan).filter((step) => step.kind === "receivers");
    const room = {
      sites: ["sh-a", "sz-a"],
      filter: { carrier: "telecom", province: null, port: null },
    };
    const gateways = [gateway("sh-a", 400), gateway("sz-a", 400), gateway("tj-a", 200)];
    const full = planOf(
      await proposed({ ...room, overrides: ["room", "login-rate"] }, { gateways }),
    );
    expect(full.change.overridden.map(({ rule }) => rule)).toContain("room");
    expect(gatesOf(full).map(({ gates }) => gates.maxOnline)).toContain(null);
    expect(sayStep(gatesOf(full)[0]!).what).toMatch(/, however many users they have$/);
    expect(decodeStoredPlan(encodePlan(full), "plan")).toEqual(full);
    const held = planOf(await proposed());
    expect(new Set(gatesOf(held).map(({ gates }) => gates.maxOnline))).toEqual(new Set([1]));
  });

  it("is read back as it was written, and not when a byte of it is another one", async () => {
    const plan = planOf(await proposed());
    const text = encodePlan(plan);
    expect(decodeStoredPlan(text, "plan")).toEqual(plan);
    const changed = text.replace('"perSecond": ', '"perSecond": 1');
    expect(() => decodeStoredPlan(changed, "plan")).toThrow(
      expect.objectContaining({ code: "plan/tampered" }),
    );
  });

  it("masks before anybody is told, tells everyone of the site in parts, and has its way back first", async () => {
    const { stages } = planOf(await proposed());
    expect(stages.map(({ kind }) => kind)).toEqual(["reach", "recall", "mask", "move"]);
    const told = stages[3]!.waves.flat().filter((step) => step.kind === "relogin");
    expect(told.map(({ node, sessions }) => [node, sessions])).toEqual([
      ["sh-a-gw", 10],
      ["sh-a-gw", 48],
      ["sh-a-gw", 48],
      ["sh-a-gw", 48],
      ["sh-a-gw", null],
    ]);
    const undone = stages[1]!.waves.flat().map((step) => sayUndo(step)?.what);
    expect(undone[0]).toMatch(/^tell users of s.-a-gw|^tell users of tj-a-gw/);
    expect(sayStep(stages[2]!.waves[0]![0]!).what).toBe(
      "publish the policy: weak sh-a for users, for 10m 00s",
    );
  });

  it("taken back calls nobody to a site faster than it takes logins, however many were left", async () => {
    const overrides = ["room", "login-rate", "last-site"];
    const plan = planOf(await proposed({ sites: ["sh-a", "tj-a"], overrides }));
    const recalls = stepsOf(plan).flatMap((step) => (step.kind === "recall" ? [step] : []));
    for (const home of ["sh-a", "tj-a"]) {
      const paces = recalls.filter((step) => step.home === home).map((step) => step.perSecond);
      expect(paces.reduce((sum, pace) => sum + pace, 0)).toBeCloseTo(100, 6);
    }
  });

  it("at no pace, all at once or into a site that takes no more logins, is written with null", async () => {
    const overrides = ["login-rate"];
    for (const mode of ["weak", "strong", "mask"] as const) {
      const plan = planOf(await proposed({ mode, pace: { kind: "unpaced" }, overrides }));
      expect(plan.pace).toMatchObject({ perSecond: null, seconds: 0 });
      expect(decodeStoredPlan(encodePlan(plan), "plan")).toEqual(plan);
      const told = stepsOf(plan);
      for (const step of told)
        if (step.kind === "relogin" || step.kind === "disconnect")
          expect(step.perSecond).toBeNull();
    }
    const paced = paceOf([{ site: "a", users: 5, spare: 0, own: 0 }], null);
    expect(pacePlanned(paced)).toEqual({ perSecond: null, seconds: 0, boundSeconds: null });
    expect(paceOf([], Infinity).perSecond).toBe(Infinity);
  });

  it("is refused where agents would refuse its policy", async () => {
    const tooLong = await proposed({ ttlMs: 32 * 24 * 3_600_000 });
    expect(() => planOf(tooLong)).toThrow("lasts longer than 31 days");
    const tooSlow = await proposed({ ramp: { step: 0.1, everyMs: 4 * 24 * 3_600_000 } });
    expect(() => planOf(tooSlow)).toThrow("takes longer than 31 days to let all users back");
  });

  it("is refused where its filter means nobody, as with a slip of the pen", async () => {
    for (const wrong of [{ carrier: "telekom" }, { province: "Hebei" }, { port: 8081 }]) {
      const filter = { ...INTENT.filter, ...wrong };
      await expect(proposed({ filter })).rejects.toThrow(
        `no users of the ${Object.keys(wrong).join()}`,
      );
    }
    const filter = { carrier: "unicom", province: "other", port: 8080 };
    await expect(proposed({ filter })).resolves.toMatchObject({ entries: [filter] });
  });

  it("with an entry that no agent would take is refused while nothing is stored yet", async () => {
    for (const wrong of [{ ttlMs: 0 }, { ttlMs: 32 * 86_400_000 }, { reason: "" }]) {
      const proposal = await proposed({ mode: "mask", ...wrong });
      expect(() => planOf(proposal)).toThrow(expect.objectContaining({ code: "bad-policy" }));
    }
  });

  it("sends each class in the proportions of its assignment", async () => {
    const { entries, assignment } = await proposed();
    const { redirects } = entries[0]!;
    expect(redirects.map(({ carrier, province }) => ({ carrier, province }))).toEqual(CLASSES);
    for (const { carrier, map } of redirects) {
      expect(map.some(({ value }) => value === "sh-a")).toBe(false);
      if (carrier === "unicom") expect(map).toMatchObject([{ value: "sz-a" }]);
    }
    expect(assignment.shortage).toBeNull();
  });

  it("sends a class of which nobody is there to no site that its carrier does not reach", async () => {
    const telecom = gateway("sh-a", 200);
    const groups = telecom.groups.filter(({ carrier }) => carrier === "telecom");
    const { entries } = await proposed(
      {},
      { gateways: [{ ...telecom, groups }, gateway("sz-a", 200), gateway("tj-a", 200)] },
    );
    expect(entries[0]!.redirects.map(({ carrier }) => carrier)).toEqual(["telecom", "telecom"]);
  });
});
