import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OpsError } from "../../src/lib/errors.js";
import { decodeStoredPlan, encodePlan } from "../../src/lib/plan/encode.js";
import type { UserPlan } from "../../src/lib/plan/users/types.js";
import { sayStep, sayUndo } from "../../src/lib/plan/say.js";
import { assign } from "../../src/lib/schedule/assign/assign.js";
import { alreadyInForce } from "../../src/lib/schedule/change/already.js";
import { type PlanContext, policyFingerprint } from "../../src/lib/schedule/change/assemble.js";
import { planOfBalance } from "../../src/lib/schedule/change/balance.js";
import type { Intent } from "../../src/lib/schedule/change/intent.js";
import { planKeepAway } from "../../src/lib/schedule/change/keep-away.js";
import { withLastChanges } from "../../src/lib/schedule/change/last-changes.js";
import { paceOf, pacePlanned } from "../../src/lib/schedule/change/pace.js";
import { planOfProposal, secondsOfProposal } from "../../src/lib/schedule/change/plan.js";
import { changePolicy, entriesOnly, planned } from "../../src/lib/schedule/change/policy-part.js";
import { problemNow } from "../../src/lib/schedule/change/problem.js";
import { type Proposal, proposalOf } from "../../src/lib/schedule/change/proposal.js";
import { planOfRestore } from "../../src/lib/schedule/change/restore.js";
import {
  type Shift,
  planOfShift,
  planShiftIn,
  proposeShift,
} from "../../src/lib/schedule/change/shift.js";
import { type Objection, objectionsTo } from "../../src/lib/schedule/change/rules/registry.js";
import type { GatewaySeen, Situation } from "../../src/lib/schedule/change/situation.js";
import type { Entry, PolicyDocument, SiteChange } from "../../src/lib/policy/document.js";
import { assertUsable, decodePolicy, encodePolicy } from "../../src/lib/policy/wire.js";
import { cut } from "../../src/lib/policy/cut.js";
import { parseTopology } from "../../src/lib/topology/parse.js";

const NOW = Date.UTC(2026, 0, 1);
const SITES = ["sh-a", "sz-a", "tj-a"];
const CLASSES = ["telecom", "unicom"].flatMap((carrier) =>
  ["guangdong", "hebei"].map((province) => ({ carrier, province })),
);
const TOPOLOGY = parseTopology(
  `version: 1
name: sites
regions:
${SITES.map(
  (site) => `  ${site.slice(0, 2)}:
    idcs:
      ${site.slice(0, 2)}-1:
        carriers: [telecom${site === "tj-a" ? "" : ", unicom"}]
        sets: { ${site}: { capacity: { onlineUsers: 500, loginsPerSecond: 100 } } }
`,
).join("")}keyspaces: {}
demand: { onlineUsers: 600, carriers: { telecom: 50%, unicom: 50% }, provinces: { guangdong: 50%, hebei: 50% } }
`,
  "sites.yaml",
);

/** Each site has its third of telecom, the first two a half of unicom each. */
const POLICY: PolicyDocument = {
  v: 1,
  version: 7,
  sites: Object.fromEntries(
    SITES.map((site, i) => [
      site,
      {
        region: site.slice(0, 2),
        carriers: site === "tj-a" ? ["telecom"] : ["telecom", "unicom"],
        addresses: [
          { url: `ws://${site}:80`, port: 80 },
          { url: `ws://${site}:${8080 + i}`, port: 8080 },
        ],
      },
    ]),
  ),
  classes: CLASSES.map(({ carrier, province }) => {
    const open = carrier === "telecom" ? SITES : SITES.slice(0, 2);
    return {
      carrier,
      province,
      base: cut([], new Map(open.map((site) => [site, 1 / open.length]))),
    };
  }),
  entries: [],
};

function gateway(site: string, sessions: number, perSecond = 2): GatewaySeen {
  const open = CLASSES.filter(({ carrier }) => carrier === "telecom" || site !== "tj-a");
  const groups = open.map((one) => ({ ...one, port: 80, sessions: sessions / open.length }));
  return { node: `${site}-gw`, site, groups, logins: { limit: 100, perSecond } };
}

const SITUATION: Situation = {
  now: NOW,
  policy: POLICY,
  gateways: SITES.map((site) => gateway(site, 200)),
  dispatchers: ["dp"],
  over: [],
  silent: [],
};

const INTENT: Intent = {
  mode: "weak",
  empties: false,
  sites: ["sh-a"],
  filter: { carrier: null, province: null, port: null },
  reason: "loss",
  actor: "me@here",
  ttlMs: 600_000,
  ramp: { step: 0.1, everyMs: 1_000 },
  pace: { kind: "auto" },
  overrides: [],
};

async function proposed(
  intent: Partial<Intent> = {},
  situation: Partial<Situation> = {},
): Promise<Proposal> {
  const wanted = { ...INTENT, ...intent };
  const now = { ...SITUATION, ...situation };
  const { carrier, province } = wanted.filter;
  const closed = wanted.sites.map((site) => ({ site, carrier, province }));
  const costs = () => [10, 20, 30];
  const problem = problemNow(TOPOLOGY, TOPOLOGY.demand!, now, closed, costs);
  return proposalOf(wanted, now, problem, await assign(problem), (site) => `${site}-1`);
}

const CONTEXT: PlanContext = {
  createdAt: "2026-01-01T00:00:00.000Z",
  topology: { name: "sites", hash: "0".repeat(64) },
  nodes: { dp: { url: "http://127.0.0.1:1", region: "sh", set: "sh-a" } },
  gates: { windowSeconds: 1, minSamples: 20, maxRefused: 0.1, maxOnline: 1, checkUrl: null },
};

function against(proposal: Proposal): Objection[] {
  return objectionsTo({ ...proposal, seconds: secondsOfProposal(proposal, CONTEXT) });
}

function planOf(proposal: Proposal): UserPlan {
  return planOfProposal(proposal, against(proposal), CONTEXT);
}

const UNICOM = { carrier: "unicom", province: null };

const entry = (fields: Partial<Entry> = {}): Entry => ({
  id: "sh-a-0",
  site: "sh-a",
  carrier: null,
  province: null,
  port: null,
  mode: "mask",
  reason: "loss",
  actor: "me@here",
  epoch: 3n,
  since: NOW - 120_000,
  expires: NOW + 60_000,
  ramp: { step: 0.1, everyMs: 1_000 },
  redirects: [],
  ...fields,
});

const withEntries = (...entries: Entry[]) => ({ policy: { ...POLICY, entries } });

const rulesAgainst = async (...args: Parameters<typeof proposed>): Promise<string[]> =>
  against(await proposed(...args)).map(({ rule }) => rule);

describe("safety rules", () => {
  it("let a weak disable pass that the others can carry", async () => {
    expect(await rulesAgainst()).toEqual([]);
  });

  it("room, last-site: the rest does not hold everyone; a carrier has no site left", async () => {
    const found = against(await proposed({ sites: ["sh-a", "sz-a"] }));
    expect(found.map(({ rule }) => rule)).toEqual(["room", "last-site"]);
    expect(found[0]!.message).toMatch(/^200 users have no place .*unicom/);
    expect(found[1]!.message).toBe("no site that unicom reaches would be left");
  });

  it("last-site: an entry of another site counts, and a port by itself", async () => {
    const other = withEntries(entry({ site: "sz-a" }));
    expect(await rulesAgainst({ mode: "mask" }, other)).toContain("last-site");
    const unicom = { carrier: "unicom", province: null, port: null };
    const half = withEntries(entry({ site: "sz-a", ...unicom }));
    expect(await rulesAgainst({ mode: "mask", filter: unicom }, half)).toContain("last-site");
    const telecom = { ...unicom, carrier: "telecom" };
    expect(await rulesAgainst({ mode: "mask", filter: telecom }, half)).toEqual([]);
    const dead = {
      gateways: [gateway("sh-a", 200), gateway("tj-a", 200)],
      silent: [{ node: "sz-a-gw", role: "gateway" as const, site: "sz-a", why: "dead" }],
    };
    expect(await rulesAgainst({ mode: "mask" }, dead)).toContain("last-site");
    const port = { carrier: null, province: null, port: 80 };
    expect(await rulesAgainst({ mode: "mask", sites: SITES, filter: port })).not.toContain(
      "last-site",
    );
  });

  it("login-rate: faster than a receiver takes, all at once, or into one that has nothing to spare", async () => {
    const fast = against(await proposed({ pace: { kind: "rate", perSecond: 150 } }));
    expect(fast).toHaveLength(1);
    expect(fast[0]!.message).toMatch(
      /^..-a would get 1[0-9][0-9] logins.s .2 now., and takes 100$/,
    );
    expect(await rulesAgainst({ mode: "strong", pace: { kind: "unpaced" } })).toContain(
      "login-rate",
    );
    const gateways = [gateway("sh-a", 200), gateway("sz-a", 200, 100), gateway("tj-a", 200, 100)];
    const spent = against(await proposed({}, { gateways }));
    expect(new Set(spent.map(({ rule }) => rule))).toEqual(new Set(["login-rate"]));
    expect(spent[0]!.message).toContain("none are to spare");
    // Who is told at a pace of the planner's own does not come all at once: the one without a login to spare is in the way, no other.
    const one = [gateway("sh-a", 200), gateway("sz-a", 200, 100), gateway("tj-a", 200)];
    expect(against(await proposed({}, { gateways: one })).map(({ message }) => message)).toEqual([
      "sz-a has 100 logins/s of the 100 that it takes: none are to spare now",
    ]);
    const many = [gateway("sh-a", 200, 90), gateway("sz-a", 200, 50), gateway("tj-a", 200, 10)];
    expect(against(await proposed({}, { gateways: many })).map(({ message }) => message)).toEqual([
      "sz-a has 50 logins/s of the 100 that it takes: none are to spare now beside those that the users who come make by themselves",
    ]);
    expect(await rulesAgainst({ mode: "mask" }, { gateways })).toEqual([]);
  });

  it("ttl: not when it ends before the users are moved", async () => {
    expect(await rulesAgainst({ ttlMs: 1_000 })).toEqual(["ttl"]);
    expect(await rulesAgainst({ ttlMs: 1_000, mode: "mask" })).toEqual([]);
  });

  it("ttl: not when it ends before the receivers have been watched as well, by what the plan says", async () => {
    const proposal = await proposed();
    const { seconds } = planOf(proposal).estimate;
    // To answer, the mask, and six windows.
    expect(seconds).toBeCloseTo(proposal.pace.seconds + 8);
    expect(await rulesAgainst({ ttlMs: seconds * 1_000 + 1 })).toEqual([]);
    expect(await rulesAgainst({ ttlMs: seconds * 1_000 - 1 })).toEqual(["ttl"]);
    expect(await rulesAgainst({ ttlMs: seconds * 1_000 + 1, empties: true })).toEqual(["ttl"]);
  });

  it("ttl: not when it ends while the writes of the region still leave; it is said with which it would do", async () => {
    const plan = (intent: Partial<Intent>, writesSeconds: number) =>
      planKeepAway(
        { topology: TOPOLOGY, demand: TOPOLOGY.demand!, costs: () => [10, 20, 30] },
        SITUATION,
        { ...INTENT, ...intent },
        (site) => `${site}-1`,
        { ...CONTEXT, writesSeconds },
      );
    await expect(plan({ ttlMs: 60_000 }, 0)).resolves.toBeDefined();
    const refused = await plan({ ttlMs: 60_000 }, 300).catch((error: unknown) => error);
    assert(refused instanceof OpsError);
    expect(refused).toMatchObject({ code: "unsafe", exit: 3 });
    expect(refused.message).toMatch(
      /ttl: until the users have moved it takes about 5m 1\ds, and the entry ends after 1m 00s$/,
    );
    expect(refused.hint).toMatch(/^--ttl 8m would do; if it must be: --override ttl /);
    await expect(plan({ ttlMs: 480_000 }, 300)).resolves.toBeDefined();
    await expect(plan({ ttlMs: 60_000, overrides: ["ttl"] }, 300)).resolves.toBeDefined();
    // There is none that would do.
    const never = await plan({ ttlMs: 60_000 }, 31 * 86_400).catch((error: unknown) => error);
    assert(never instanceof OpsError);
    expect(never.hint).toMatch(/^if it must be: --override ttl /);
  });

  it("one-at-a-time: no second entry of the same users, but a mask may become a disable", async () => {
    expect(await rulesAgainst({ mode: "weak" }, withEntries(entry()))).toEqual([]);
    expect(await rulesAgainst({ mode: "mask" }, withEntries(entry({ mode: "weak" })))).toEqual([
      "one-at-a-time",
    ]);
    const ended = { expires: NOW - 61_000 };
    expect(await rulesAgainst({}, withEntries(entry(ended)))).toEqual([]);
    const slow = { ...ended, ramp: { step: 0.1, everyMs: 60_000 } };
    expect(await rulesAgainst({}, withEntries(entry(slow)))).toEqual(["one-at-a-time"]);
    expect(await rulesAgainst({}, withEntries(entry({ carrier: "telecom" })))).toEqual([
      "one-at-a-time",
    ]);
    const unicom = { carrier: "unicom", province: null, port: null };
    expect(
      await rulesAgainst({ filter: unicom }, withEntries(entry({ carrier: "telecom" }))),
    ).toEqual([]);
  });

  it("anti-flap: not within a minute of the last change, unless a person says so", async () => {
    const recent = withEntries(entry({ since: NOW - 5_000 }));
    expect(await rulesAgainst({}, recent)).toEqual(["anti-flap"]);
    const found = against(await proposed({ overrides: ["anti-flap"] }, recent));
    expect(found).toEqual([
      {
        rule: "anti-flap",
        message: "sh-a was changed 5s ago (mask, by me@here)",
        overridden: true,
      },
    ]);
  });
});

describe("anti-flap knows of changes that left no entry", () => {
  const change = (fields: Partial<SiteChange>): SiteChange => ({
    site: "sh-a",
    at: NOW - 20_000,
    what: "shift",
    isUndo: false,
    actor: "li",
    isReceiver: false,
    ...fields,
  });
  const after = (...changes: SiteChange[]) => ({ policy: { ...POLICY, changes } });

  it("for a mask, a disable or a drain of the site that they were about", async () => {
    for (const what of ["shift", "restore", "mask", "drain"])
      expect(await rulesAgainst({ mode: "mask" }, after(change({ what })))).toEqual(["anti-flap"]);
    const found = against(await proposed({}, after(change({ what: "restore", isUndo: true }))));
    expect(found.map(({ message }) => message)).toEqual([
      "sh-a was changed 20s ago (restore taken back, by li)",
    ]);
    expect(await rulesAgainst({}, after(change({ at: NOW - 60_000 })))).toEqual([]);
    expect(await rulesAgainst({}, after(change({ site: "sz-a" })))).toEqual([]);
  });

  it("but a site that burns is left at once by those who were just sent there, and in the middle of drills and rounds", async () => {
    for (const one of [
      change({ isReceiver: true }),
      change({ what: "drill", isReceiver: true }),
      change({ what: "drill" }),
      change({ what: "balance" }),
    ])
      for (const mode of ["mask", "weak", "strong"] as const)
        expect(await rulesAgainst({ mode }, after(one))).toEqual([]);
  });

  it("once for each site: the last one, entries among them", async () => {
    const both = {
      policy: { ...POLICY, entries: [entry({ since: NOW - 5_000 })], changes: [change({})] },
    };
    const found = against(await proposed({}, both));
    expect(found.map(({ message }) => message)).toEqual([
      "sh-a was changed 5s ago (mask, by me@here)",
    ]);
  });
});

describe("the last change of each site is in the policy that a run publishes", () => {
  const plan = {
    change: { what: "shift", sites: ["sh-a"], reason: "r", actor: "li", overridden: [] },
    moves: [{ from: "sh-a", to: "sz-a", carrier: "telecom", province: "hebei", users: 1 }],
  };
  const [before, after] = [entriesOnly([]), entriesOnly([])].map((part, i) => ({
    ...part,
    classes: POLICY.classes.slice(i),
  }));
  const publish = (policy: PolicyDocument, isUndo: boolean, at: number) => {
    const published = isUndo
      ? { plan, before: after!, after: before!, isUndo }
      : { plan, before: before!, after: after!, isUndo };
    const made = changePolicy(policy, published.before, published.after, 1n);
    return withLastChanges(policy, made, published, at);
  };
  const about = { what: "shift", actor: "li", isUndo: false };

  it("of other fractions the sites that users leave, and those that get them; taken back the other way round", () => {
    const there = publish(POLICY, false, NOW);
    expect(there.changes).toEqual([
      { ...about, site: "sh-a", at: NOW, isReceiver: false },
      { ...about, site: "sz-a", at: NOW, isReceiver: true },
    ]);
    const back = publish(there, true, NOW + 1);
    expect(back.changes).toEqual([
      { ...about, site: "sh-a", at: NOW + 1, isUndo: true, isReceiver: true },
      { ...about, site: "sz-a", at: NOW + 1, isUndo: true, isReceiver: false },
    ]);
    expect(policyFingerprint(back)).toBe(policyFingerprint(POLICY));
    assertUsable(back);
    expect(decodePolicy(JSON.parse(JSON.stringify(encodePolicy(back))))).toEqual(back);
  });

  it("of entries the sites that they are for; what was published already is no change, and a site that is gone has none", () => {
    const mask = entriesOnly([planned(entry())]);
    const masking = { plan: { ...plan, moves: [] }, before, after: mask, isUndo: false };
    const kept = { ...about, site: "tj-a", at: NOW - 9, isReceiver: false };
    const policy = { ...POLICY, changes: [{ ...kept, site: "gone" }, kept] };
    const change = (known: PolicyDocument, at: number) =>
      withLastChanges(
        known,
        changePolicy(known, entriesOnly([]), mask, 1n),
        { ...masking, before: entriesOnly([]) },
        at,
      );
    const once = change(policy, NOW);
    expect(once.changes).toEqual([{ ...about, site: "sh-a", at: NOW, isReceiver: false }, kept]);
    expect(change(once, NOW + 5)).toEqual(once);
  });

  it("of a first policy, which moves nobody, none", () => {
    const first = { plan: { ...plan, moves: [] }, before: before!, after: after!, isUndo: false };
    const made = changePolicy(POLICY, first.before, first.after, 1n);
    expect(withLastChanges(POLICY, made, first, NOW)).not.toHaveProperty("changes");
  });
});

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
      { topology: TOPOLOGY, demand: TOPOLOGY.demand!, costs: () => [10, 20, 30] },
      { ...SITUATION, policy },
      { ...INTENT, filter: { carrier: null, province: null, port: 80 } },
      (site) => `${site}-1`,
      CONTEXT,
    );

  it("of one port has the site itself for a receiver, and is as fast as that takes logins", async () => {
    const { moves, receivers, pace, stages } = await ofPort80(POLICY);
    expect(moves).toEqual(CLASSES.map((one) => ({ ...one, from: "sh-a", to: "sh-a", users: 50 })));
    expect(receivers).toMatchObject([{ site: "sh-a", before: 200, after: 200 }]);
    // 0.95 of the 98 logins that it has to spare: who stays there makes no others.
    expect(pace.perSecond).toBeCloseTo(93.1);
    const steps = stages.flatMap(({ waves }) => waves.flat());
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
    const gatesOf = ({ stages }: UserPlan) =>
      stages.flatMap(({ waves }) => waves.flat()).filter((step) => step.kind === "receivers");
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

  it("a drain ends with every gateway of the site seen to be empty, and may follow a disable", async () => {
    const spare = { ...gateway("sh-a", 0), node: "sh-a-gw2", groups: [] };
    const gateways = [...SITUATION.gateways, spare];
    const { change, stages } = planOf(await proposed({ empties: true }, { gateways }));
    expect(change.what).toBe("drain");
    const last = stages.at(-1)!;
    expect(last.kind).toBe("empty");
    const filter = { carrier: null, province: null, port: null };
    expect(last.waves.flat()).toMatchObject(
      ["sh-a-gw", "sh-a-gw2"].map((node) => ({ kind: "empty", node, entry: "sh-a-1", filter })),
    );
    const weak = withEntries(entry({ mode: "weak" }));
    expect(await rulesAgainst({ empties: true }, weak)).toEqual([]);
    expect(await rulesAgainst({}, weak)).toEqual(["one-at-a-time"]);
    expect(alreadyInForce({ ...INTENT, empties: true }, { ...SITUATION, ...weak })).toEqual([]);
    const empty = { ...SITUATION, ...weak, gateways: SITUATION.gateways.slice(1) };
    expect(alreadyInForce({ ...INTENT, empties: true }, empty)).toHaveLength(1);
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

  it("back ends an entry also when the clock of whoever made it was ahead", async () => {
    const made = entry({ since: NOW + 60_000, expires: NOW + 3_600_000 });
    const situation = { ...SITUATION, ...withEntries(made) };
    const problem = problemNow(TOPOLOGY, TOPOLOGY.demand!, situation, [], () => [10, 20, 30]);
    const asked = { reason: "well again", actor: "me@here", pace: { kind: "auto" } } as const;
    const { stages } = planOfRestore({ ...asked, entries: [made] }, situation, problem, CONTEXT);
    const [ending] = stages
      .flatMap(({ waves }) => waves.flat())
      .filter(({ kind }) => kind === "policy");
    expect(ending).toMatchObject({ after: { entries: [{ expires: NOW + 60_001 }] } });
  });

  const restored = (entries: Entry[], gateways: GatewaySeen[]) => {
    const situation = { ...SITUATION, gateways, policy: { ...POLICY, entries } };
    const problem = problemNow(TOPOLOGY, TOPOLOGY.demand!, situation, [], () => [10, 20, 30]);
    const asked = { reason: "well again", actor: "me@here", pace: { kind: "auto" } } as const;
    return planOfRestore({ ...asked, entries }, situation, problem, CONTEXT);
  };

  it("takes entries out of the policy that have ended for good, and no other", async () => {
    const ended = (id: string, ms: number, site = "tj-a") =>
      entry({ id, site, since: NOW - 3_600_000, expires: NOW - ms });
    const [old, held, recent] = [
      ended("old", 600_000),
      ended("held", 600_000),
      ended("recent", 200_000),
    ];
    const standing = entry({ id: "standing", site: "sz-a", port: 80 });
    const found = { ...withEntries(old, held, recent, standing), over: ["old", "recent"] };
    const policyOf = (plan: UserPlan) =>
      plan.stages.flatMap(({ waves }) => waves.flat()).find((step) => step.kind === "policy")!;
    const plan = planOf(await proposed({}, found));
    const { before, after } = policyOf(plan);
    expect(before.entries.map(({ id }) => id)).toEqual(["old"]);
    const left = changePolicy(found.policy, before, after, 1n);
    expect(left.entries.map(({ id }) => id)).toEqual(["held", "recent", "standing", "sh-a-1"]);
    expect(plan.fingerprint.after).toBe(policyFingerprint(left));
    expect(
      policyOf(planOf(await proposed({}, { ...found, dispatchers: [] }))).before.entries,
    ).toEqual([]);
  });

  it("taken back calls those home who belong to its site, and a restore tells no others", async () => {
    const homes = ({ stages }: UserPlan, kind: "recall" | "relogin") =>
      stages
        .flatMap(({ waves }) => waves.flat())
        .flatMap((step) => (step.kind === kind ? [step.home] : []));
    expect(new Set(homes(planOf(await proposed()), "recall"))).toEqual(new Set(["sh-a"]));
    const gateways = [gateway("sh-a", 0), gateway("sz-a", 300), gateway("tj-a", 300)];
    expect(new Set(homes(restored([entry()], gateways), "relogin"))).toEqual(new Set(["sh-a"]));
  });

  it("back takes from no site more than it has, wherever users are", () => {
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

  it("back tells users at every site that may have them, wherever an entry sent its own", () => {
    const redirects = CLASSES.map((one) => ({ ...one, map: cut([], new Map([["sz-a", 1]])) }));
    const gateways = [gateway("sh-a", 0), gateway("sz-a", 300), gateway("tj-a", 300)];
    const { moves } = restored([entry({ redirects })], gateways);
    // Those of a gateway that died are where the addresses led them that they had.
    expect(new Set(moves.map(({ from }) => from))).toEqual(new Set(["sz-a", "tj-a"]));
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
});

describe("what has no place in JSON or in a policy", () => {
  it("is no pace: all at once, and into a site that takes no more logins, is written as null", async () => {
    const overrides = ["login-rate"];
    for (const mode of ["weak", "strong", "mask"] as const) {
      const plan = planOf(await proposed({ mode, pace: { kind: "unpaced" }, overrides }));
      expect(plan.pace).toMatchObject({ perSecond: null, seconds: 0 });
      expect(decodeStoredPlan(encodePlan(plan), "plan")).toEqual(plan);
      const told = plan.stages.flatMap(({ waves }) => waves.flat());
      for (const step of told)
        if (step.kind === "relogin" || step.kind === "disconnect")
          expect(step.perSecond).toBeNull();
    }
    const paced = paceOf([{ site: "a", users: 5, spare: 0, own: 0 }], null);
    expect(pacePlanned(paced)).toEqual({ perSecond: null, seconds: 0, boundSeconds: null });
    expect(paceOf([], Infinity).perSecond).toBe(Infinity);
  });

  it("is an entry that no agent would take: it is refused while nothing is stored yet", async () => {
    for (const wrong of [{ ttlMs: 0 }, { ttlMs: 32 * 86_400_000 }, { reason: "" }]) {
      const proposal = await proposed({ mode: "mask", ...wrong });
      expect(() => planOf(proposal)).toThrow(expect.objectContaining({ code: "bad-policy" }));
    }
  });

  it("is a site that came after the policy: nobody is sent there", async () => {
    const { ["tj-a"]: _, ...sites } = POLICY.sites;
    const classes = CLASSES.map((one) => ({
      ...one,
      base: cut(
        [],
        new Map([
          ["sh-a", 0.5],
          ["sz-a", 0.5],
        ]),
      ),
    }));
    const { entries } = planOf(
      await proposed({ mode: "mask" }, { policy: { ...POLICY, sites, classes } }),
    )
      .stages.flatMap(({ waves }) => waves.flat())
      .find((step) => step.kind === "policy")!.after;
    const to = entries[0]!.redirects.flatMap(({ map }) => map.map(({ value }) => value));
    expect(new Set(to)).toEqual(new Set(["sz-a"]));
  });

  it("is a site that is gone: other fractions leave out its entries, and the ways to it", async () => {
    const way = (site: string) => ({ ...CLASSES[0]!, map: cut([], new Map([[site, 1]])) });
    const kept = entry({ id: "sz-a-0", site: "sz-a", redirects: [way("tj-a")] });
    const policy = { ...POLICY, entries: [kept, entry({ id: "tj-a-0", site: "tj-a" })] };
    const { ["tj-a"]: _, ...sites } = POLICY.sites;
    const situation = { ...SITUATION, policy };
    const problem = {
      ...problemNow(TOPOLOGY, TOPOLOGY.demand!, situation, [], () => [10, 20, 30]),
      classes: CLASSES.map((one) => ({ ...one, site: null, users: 100 })),
    };
    const shares = CLASSES.map(() => [{ site: "sh-a", users: 100 }]);
    const assignment = { ...(await assign(problem)), shares };
    const plan = planOfBalance(
      { reason: "r", actor: "a", sites },
      situation,
      problem,
      assignment,
      CONTEXT,
    )!;
    const step = plan.stages
      .flatMap(({ waves }) => waves.flat())
      .find((one) => one.kind === "policy")!;
    const after = changePolicy(policy, step.before, step.after, 9n);
    expect(after.entries).toEqual([{ ...kept, redirects: [] }]);
    assertUsable(after);
    const back = changePolicy(after, step.after, step.before, 9n);
    expect(back.entries.map(({ id }) => id)).toEqual(["sz-a-0", "tj-a-0"]);
  });
});

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
    const problem = problemNow(TOPOLOGY, TOPOLOGY.demand!, situation, [], () => [10, 20, 30]);
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
    const service = { topology: TOPOLOGY, demand: TOPOLOGY.demand!, costs: () => [10, 20, 30] };
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
    const steps = plan.stages.flatMap(({ waves }) => waves.flat());
    expect(steps.filter(({ kind }) => kind === "relogin")).toMatchObject(
      [1, 2].map((i) => ({ entry: `shift-1-${i}`, perSecond: null })),
    );
  });
});

it("a class of which nobody is there is sent to no site that its carrier does not reach", async () => {
  const telecom = gateway("sh-a", 200);
  const groups = telecom.groups.filter(({ carrier }) => carrier === "telecom");
  const { entries } = await proposed(
    {},
    { gateways: [{ ...telecom, groups }, gateway("sz-a", 200), gateway("tj-a", 200)] },
  );
  expect(entries[0]!.redirects.map(({ carrier }) => carrier)).toEqual(["telecom", "telecom"]);
});

it("a policy part done twice is done once, and taken back leaves the policy as it was", async () => {
  const { entries } = await proposed();
  const before = entriesOnly([planned(entry())]);
  const after = entriesOnly(entries);
  const policy = { ...POLICY, entries: [entry(), entry({ id: "tj-a-0", site: "tj-a" })] };
  const once = changePolicy(policy, before, after, 9n);
  expect(changePolicy(once, before, after, 10n)).toEqual(once);
  expect(once.entries.map(({ id, epoch }) => [id, epoch])).toEqual([
    ["tj-a-0", 3n],
    ["sh-a-1", 9n],
  ]);
  const back = changePolicy(once, after, before, 11n);
  const sorted = (one: PolicyDocument) => ({
    ...one,
    entries: one.entries.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  });
  expect(policyFingerprint(sorted(back))).toBe(policyFingerprint(sorted(policy)));
  assert(policyFingerprint(once) !== policyFingerprint(policy));
});

it("no receiver gets more than it has to spare, and no pace that keeps to that takes a tenth less", () => {
  const arrivals = fc.array(
    fc.record({ users: fc.integer({ min: 0, max: 1e8 }), spare: fc.integer({ min: 1, max: 1e5 }) }),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(arrivals, (some) => {
      const all = some.map((one, i) => ({ ...one, own: 0, site: `s${i}` }));
      const { logins, seconds, boundSeconds } = paceOf(all, null);
      for (const { site, spare } of all) expect(logins.get(site) ?? 0).toBeLessThanOrEqual(spare);
      expect(seconds).toBeGreaterThanOrEqual(boundSeconds);
      expect(seconds).toBeLessThanOrEqual(1.1 * boundSeconds);
    }),
  );
});
