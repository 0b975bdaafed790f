import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UserPlan } from "../../../src/lib/plan/users/types.js";
import type { Elsewhere } from "../../../src/lib/schedule/change/elsewhere.js";
import { planOfRestore } from "../../../src/lib/schedule/change/restore.js";
import type { GatewaySeen } from "../../../src/lib/schedule/change/situation.js";
import type { Entry } from "../../../src/lib/policy/document.js";
import { cut } from "../../../src/lib/policy/cut.js";
import {
  CLASSES,
  CONTEXT,
  NOW,
  POLICY,
  SITES,
  SITUATION,
  entry,
  gateway,
  planOf,
  problemOf,
  proposed,
  stepsOf,
} from "./situation.js";

const RESTORE = {
  strayed: [],
  filter: { carrier: null, province: null },
  id: "home-1",
  reason: "well again",
  actor: "me@here",
  pace: { kind: "auto" },
} as const;

describe("a restore", () => {
  /** A part of the users of each gateway belongs to each of the sites that are restored. */
  const elsewhereAt = (gateways: readonly GatewaySeen[], homes: readonly string[], part: number) =>
    gateways.flatMap(({ node, site, groups }) =>
      homes
        .filter((home) => home !== site)
        .flatMap((home) =>
          groups.map(({ carrier, province, sessions }): Elsewhere => {
            return { node, site, home, carrier, province, sessions: sessions * part };
          }),
        ),
    );

  const restored = (entries: Entry[], gateways: readonly GatewaySeen[], part = 1 / 3) => {
    const situation = { ...SITUATION, gateways, policy: { ...POLICY, entries } };
    const homes = entries.map(({ site }) => site);
    const elsewhere = elsewhereAt(gateways, homes, part);
    return planOfRestore(
      { ...RESTORE, entries, elsewhere },
      situation,
      problemOf(situation),
      CONTEXT,
    );
  };

  it("ends an entry also when the clock of whoever made it was ahead", () => {
    const made = entry({ since: NOW + 60_000, expires: NOW + 3_600_000 });
    const plan = restored([made], SITUATION.gateways);
    const [ending] = stepsOf(plan).filter(({ kind }) => kind === "policy");
    expect(ending).toMatchObject({ after: { entries: [{ expires: NOW + 60_001 }] } });
  });

  it("tells those who belong to its site, as the way back of a disable does, and no others", async () => {
    const homes = (plan: UserPlan, kind: "recall" | "relogin") =>
      stepsOf(plan).flatMap((step) => (step.kind === kind ? [step.home] : []));
    expect(new Set(homes(planOf(await proposed()), "recall"))).toEqual(new Set(["sh-a"]));
    const gateways = [gateway("sh-a", 0), gateway("sz-a", 300), gateway("tj-a", 300)];
    expect(new Set(homes(restored([entry()], gateways), "relogin"))).toEqual(new Set(["sh-a"]));
  });

  it("takes from no site more than it has, wherever users are", () => {
    const ended = [entry(), entry({ id: "sz-a-0", site: "sz-a" })];
    fc.assert(
      fc.property(
        fc.array(fc.nat(400), { minLength: 3, maxLength: 3 }),
        // More than are there have been counted, as when some left in between.
        fc.double({ min: 0, max: 1, noNaN: true }),
        (sessions, part) => {
          const gateways = SITES.map((site, i) => gateway(site, sessions[i]!));
          const { moves } = restored(ended, gateways, part);
          for (const [i, site] of SITES.entries()) {
            const gone = moves.filter(({ from }) => from === site);
            const users = gone.reduce((sum, one) => sum + one.users, 0);
            expect(users).toBeLessThanOrEqual(sessions[i]! + 1e-6);
          }
        },
      ),
    );
  });

  it("tells users of a site with several entries no faster than those of one with one", () => {
    const gateways = [gateway("sh-a", 100), gateway("sz-a", 100), gateway("tj-a", 400)];
    const of = (carrier: string, province: string) => ({ ...entry({ carrier, province }) });
    const entries = [
      ...CLASSES.map(({ carrier, province }, i) => ({ ...of(carrier, province), id: `sh-a-${i}` })),
      entry({ id: "sz-a-9", site: "sz-a" }),
    ];
    const situation = { ...SITUATION, gateways, policy: { ...POLICY, entries } };
    const homes = ["sh-a", "sz-a"];
    const elsewhere = elsewhereAt(gateways.slice(2), homes, 0.1);
    const problem = problemOf(situation);
    const plan = planOfRestore({ ...RESTORE, entries, elsewhere }, situation, problem, CONTEXT);
    const wave = plan.stages.find(({ kind }) => kind === "return")!.waves[1]!;
    const told = wave.flatMap((step) => (step.kind === "relogin" ? [step] : []));
    const paceTo = (site: string) =>
      told.filter(({ home }) => home === site).reduce((sum, step) => sum + step.perSecond!, 0);
    expect(paceTo("sh-a")).toBeCloseTo(paceTo("sz-a"), 6);
    expect(paceTo("sh-a") + paceTo("sz-a")).toBeCloseTo(plan.pace.perSecond!, 6);
  });

  it("counts nobody twice whom two of its entries mean", () => {
    const gateways = [gateway("sh-a", 100), gateway("sz-a", 100), gateway("tj-a", 400)];
    // As two of one port each.
    const entries = [entry(), entry({ id: "sh-a-1" }), entry({ id: "sz-a-9", site: "sz-a" })];
    const situation = { ...SITUATION, gateways, policy: { ...POLICY, entries } };
    const elsewhere = elsewhereAt(gateways.slice(2), ["sh-a", "sz-a"], 0.1);
    const asked = { ...RESTORE, entries, elsewhere };
    const plan = planOfRestore(asked, situation, problemOf(situation), CONTEXT);
    const wave = plan.stages.find(({ kind }) => kind === "return")!.waves[1]!;
    const told = wave.flatMap((step) => (step.kind === "relogin" ? [step] : []));
    expect(told.map(({ entry: id }) => id)).toEqual(["sh-a-0-back", "sz-a-9-back"]);
    expect(told[0]!.perSecond).toBeCloseTo(told[1]!.perSecond!, 6);
  });

  it("divides the pace as the users are divided over the gateways, whatever else these have", () => {
    const gateways = [gateway("sh-a", 0), gateway("sz-a", 300), gateway("tj-a", 300)];
    const situation = { ...SITUATION, gateways, policy: { ...POLICY, entries: [entry()] } };
    const problem = problemOf(situation);
    const all = elsewhereAt(gateways, ["sh-a"], 0.3);
    const elsewhere = all.map((one) => {
      return one.site === "tj-a" ? { ...one, sessions: one.sessions / 3 } : one;
    });
    const asked = { ...RESTORE, entries: [entry()], elsewhere };
    const plan = planOfRestore(asked, situation, problem, CONTEXT);
    const { pace } = plan;
    const steps = stepsOf(plan).flatMap((step) => (step.kind === "relogin" ? [step] : []));
    const first = steps.slice(0, 2).map(({ node, perSecond }) => ({ node, perSecond }));
    expect(first).toEqual([
      { node: "sz-a-gw", perSecond: expect.closeTo(0.75 * pace.perSecond!, 5) as number },
      { node: "tj-a-gw", perSecond: expect.closeTo(0.25 * pace.perSecond!, 5) as number },
    ]);
    for (let i = 0; i < steps.length; i += 2)
      expect(steps[i]!.perSecond! + steps[i + 1]!.perSecond!).toBeCloseTo(pace.perSecond!, 5);
  });

  it("calls those home who are elsewhere without an entry, in one stage", () => {
    const gateways = [gateway("sh-a", 100), gateway("sz-a", 300), gateway("tj-a", 300)];
    const situation = { ...SITUATION, gateways };
    const problem = problemOf(situation);
    const elsewhere = elsewhereAt(gateways.slice(2), ["sh-a"], 0.1);
    const asked = { ...RESTORE, entries: [], strayed: ["sh-a"], elsewhere };
    const plan = planOfRestore(asked, situation, problem, CONTEXT);
    const { stages, moves } = plan;
    expect(stages.map(({ kind }) => kind)).toEqual(["reach", "return"]);
    expect(moves.every(({ from, to }) => from === "tj-a" && to === "sh-a")).toBe(true);
    expect(moves.reduce((sum, { users }) => sum + users, 0)).toBeCloseTo(30, 6);
    const told = stepsOf(plan).flatMap((step) => (step.kind === "relogin" ? [step] : []));
    for (const step of told)
      expect(step).toMatchObject({ node: "tj-a-gw", home: "sh-a", entry: "sh-a-home-1" });
  });

  it("tells users at every site that may have them, wherever an entry sent its own", () => {
    const redirects = CLASSES.map((one) => ({ ...one, map: cut([], new Map([["sz-a", 1]])) }));
    const gateways = [gateway("sh-a", 0), gateway("sz-a", 300), gateway("tj-a", 300)];
    const { moves } = restored([entry({ redirects })], gateways);
    // Those of a gateway that died are where the addresses led them that they had.
    expect(new Set(moves.map(({ from }) => from))).toEqual(new Set(["sz-a", "tj-a"]));
  });
});
