import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UserPlan } from "../../../src/lib/plan/users/types.js";
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

describe("a restore", () => {
  const restored = (entries: Entry[], gateways: readonly GatewaySeen[]) => {
    const situation = { ...SITUATION, gateways, policy: { ...POLICY, entries } };
    const problem = problemOf(situation);
    const asked = { reason: "well again", actor: "me@here", pace: { kind: "auto" } } as const;
    return planOfRestore({ ...asked, entries }, situation, problem, CONTEXT);
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
      fc.property(fc.array(fc.nat(400), { minLength: 3, maxLength: 3 }), (sessions) => {
        const gateways = SITES.map((site, i) => gateway(site, sessions[i]!));
        const { moves, receivers } = restored(ended, gateways);
        const gone = moves.reduce((sum, { users }) => sum + users, 0);
        expect(gone).toBeLessThanOrEqual(sessions[2]! + 1e-6);
        for (const { before, after } of receivers) expect(after).toBeGreaterThanOrEqual(before);
      }),
    );
  });

  it("tells users at every site that may have them, wherever an entry sent its own", () => {
    const redirects = CLASSES.map((one) => ({ ...one, map: cut([], new Map([["sz-a", 1]])) }));
    const gateways = [gateway("sh-a", 0), gateway("sz-a", 300), gateway("tj-a", 300)];
    const { moves } = restored([entry({ redirects })], gateways);
    // Those of a gateway that died are where the addresses led them that they had.
    expect(new Set(moves.map(({ from }) => from))).toEqual(new Set(["sz-a", "tj-a"]));
  });
});
