import { describe, expect, it } from "vitest";
import type { UserPlan } from "../../../src/lib/plan/users/types.js";
import { decodeStoredPlan, encodePlan } from "../../../src/lib/plan/encode.js";
import {
  type Shift,
  planOfShift,
  planShiftIn,
  proposeShift,
} from "../../../src/lib/schedule/change/shift.js";
import type { Situation } from "../../../src/lib/schedule/change/situation.js";
import type { Entry } from "../../../src/lib/policy/document.js";
import {
  CONTEXT,
  COSTS,
  NOW,
  POLICY,
  SITUATION,
  TOPOLOGY,
  UNICOM,
  entry,
  gateway,
  problemOf,
  stepsOf,
  withEntries,
} from "./situation.js";

describe("a shift", () => {
  const SHIFT: Shift = {
    id: "shift-1",
    from: "sh-a",
    to: new Map([["sz-a", 1]]),
    filter: { carrier: null, province: null },
    users: 100,
    batch: 50,
    reason: "new hall",
    actor: "me@here",
    pace: { kind: "auto" },
    overrides: [],
  };
  const shifting = (asked: Partial<Shift> = {}, now: Partial<Situation> = {}) => {
    const situation = { ...SITUATION, ...now };
    const problem = problemOf(situation);
    return proposeShift({ ...SHIFT, ...asked }, situation, problem);
  };

  it("is refused while an entry is about the same users of a set of it", () => {
    const rules = (one: Entry, asked?: Partial<Shift>) =>
      shifting(asked, withEntries(one)).objections.map(({ rule }) => rule);
    expect(shifting().objections).toEqual([]);
    expect(rules(entry())).toEqual(["one-at-a-time"]);
    expect(rules(entry({ site: "sz-a" }))).toEqual(["one-at-a-time"]);
    expect(rules(entry({ site: "tj-a" }))).toEqual([]);
    expect(rules(entry({ carrier: "telecom" }), { filter: UNICOM })).toEqual([]);
    expect(rules(entry({ expires: NOW - 60_000 }))).toEqual([]);
  });

  it("is refused within a minute of the last change of a set of it, unless a person says so", () => {
    const ended = withEntries(entry({ site: "sz-a", expires: NOW - 30_000 }));
    expect(shifting({}, ended).objections).toEqual([
      {
        rule: "anti-flap",
        message: "sz-a was changed 30s ago (mask, by me@here)",
        overridden: false,
      },
    ]);
    const [found] = shifting({ overrides: ["anti-flap"] }, ended).objections;
    expect(found).toMatchObject({ rule: "anti-flap", overridden: true });
  });

  it("is refused within a minute of another shift, into or out of a set of it, whoever made that", () => {
    const other = { at: NOW - 1_000, what: "shift", isUndo: false, actor: "li" };
    const rules = (site: string, isReceiver: boolean) =>
      shifting({}, { policy: { ...POLICY, changes: [{ ...other, site, isReceiver }] } }).objections;
    for (const [site, isReceiver] of [
      ["sh-a", true],
      ["sz-a", false],
    ] as const)
      expect(rules(site, isReceiver)).toEqual([
        {
          rule: "anti-flap",
          message: `${site} was changed 1s ago (shift, by li)`,
          overridden: false,
        },
      ]);
    expect(rules("tj-a", false)).toEqual([]);
  });

  it("of so few that none is of each carrier and province is one of some, all the same", () => {
    const service = { topology: TOPOLOGY, demand: TOPOLOGY.demand!, costs: COSTS };
    const plan = (users: number) => planShiftIn(service, SITUATION, { ...SHIFT, users }, CONTEXT);
    const moved = (one: UserPlan | null) => one?.moves.reduce((sum, { users }) => sum + users, 0);
    expect(moved(plan(2))).toBeCloseTo(2);
    expect(plan(0.5)).toBe(null);
  });

  it("leaves the receivers so many logins that those who have come can make their own there", () => {
    const gateways = [gateway("sh-a", 200, 40), gateway("sz-a", 200), gateway("tj-a", 200)];
    const { receivers, pace } = planOfShift(shifting({ users: 200 }, { gateways }), CONTEXT);
    const { now, planned, limit } = receivers[0]!.logins;
    expect(planned).toBeCloseTo(now + 40 + pace.perSecond!);
    expect(planned).toBeLessThanOrEqual(limit);
  });

  it("has at most 1,000 batches, and says how many users one must have", () => {
    expect(shifting({ batch: 1 }).batches).toBe(100);
    expect(() => shifting({ batch: 0.09 })).toThrow("--batch makes 1112 batches");
  });

  it("all at once is a plan that can be stored and read again", () => {
    const proposal = shifting({ pace: { kind: "unpaced" }, overrides: ["login-rate"] });
    const plan = planOfShift(proposal, CONTEXT);
    expect(decodeStoredPlan(encodePlan(plan), "plan")).toEqual(plan);
    const steps = stepsOf(plan);
    expect(steps.filter(({ kind }) => kind === "relogin")).toMatchObject(
      [1, 2].map((i) => ({ entry: `shift-1-${i}`, perSecond: null })),
    );
  });
});
