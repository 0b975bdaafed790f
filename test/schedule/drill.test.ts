import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeStoredPlan, encodePlan } from "../../src/lib/plan/encode.js";
import type { UserPlan } from "../../src/lib/plan/users/types.js";
import { cut } from "../../src/lib/policy/cut.js";
import { fractionsOf } from "../../src/lib/policy/fractions.js";
import type { Entry, PolicyClass, PolicyDocument } from "../../src/lib/policy/document.js";
import type { PlanContext } from "../../src/lib/schedule/change/assemble.js";
import { type Drill, proposeDrill } from "../../src/lib/schedule/change/drill/drill.js";
import { planOfDrill } from "../../src/lib/schedule/change/drill/plan.js";
import type { Situation } from "../../src/lib/schedule/change/situation.js";
import { usersOnline } from "../../src/lib/schedule/change/situation.js";
import type { Limit, Problem } from "../../src/lib/schedule/types.js";
import { NOW, entry as entryOf, stepsOf } from "./change/situation.js";
import { GATES } from "../support/gates.js";

const SITES = ["a", "b", "c", "d"];
const CLASSES = ["telecom", "unicom"].flatMap((carrier) =>
  ["guangdong", "hebei"].map((province) => ({ carrier, province })),
);
const RATED = 1_000;

interface World {
  readonly situation: Situation;
  readonly problem: Problem;
}

/** Of each class so many users, spread over the sites by these weights; each site is rated for 1,000 users and 100 logins/s. */
function world(
  users: readonly number[],
  weights: readonly (readonly number[])[],
  costs: readonly number[] = [10, 20, 30, 40],
): World {
  const classes = CLASSES.map((one, i): PolicyClass => {
    const sum = weights[i]!.reduce((a, b) => a + b, 0);
    const fractions = new Map(SITES.map((site, j) => [site, weights[i]![j]! / sum]));
    return { ...one, base: cut([], fractions) };
  });
  const gateways = SITES.map((site) => ({
    node: `${site}-gw`,
    site,
    groups: classes.map(({ carrier, province, base }, i) => ({
      carrier,
      province,
      port: 80,
      sessions: users[i]! * (fractionsOf(base).get(site) ?? 0),
    })),
    logins: { limit: 100, perSecond: 2 },
  }));
  const sites = SITES.map((id) => ({
    id,
    idc: id,
    region: id,
    loginsPerSecond: 98,
    carriers: ["telecom", "unicom"],
  }));
  const policy: PolicyDocument = {
    v: 1,
    version: 3,
    sites: Object.fromEntries(
      SITES.map((site) => [
        site,
        {
          region: site,
          carriers: ["telecom", "unicom"],
          addresses: [{ url: `ws://${site}`, port: 80 }],
        },
      ]),
    ),
    classes,
    entries: [],
  };
  const situation: Situation = {
    now: NOW,
    policy,
    unlisted: [],
    offered: policy.sites,
    gateways,
    dispatchers: ["dp"],
    over: [],
    silent: [],
  };
  const limits = SITES.map((site): Limit => ({
    what: "users online",
    sites: [site],
    carrier: null,
    users: RATED,
    soft: RATED * 0.9,
  }));
  const problem: Problem = {
    sites,
    limits,
    classes: usersOnline(situation),
    closed: [],
    costs: (carrier, province) => {
      const row = CLASSES.findIndex((one) => one.carrier === carrier && one.province === province);
      return SITES.map((_, j) => costs[(4 * row + j) % costs.length]!);
    },
    moves: null,
  };
  return { situation, problem };
}

const EVEN = world(
  [400, 400, 400, 400],
  CLASSES.map(() => [1, 1, 1, 1]),
);

const DRILL: Drill = {
  id: "drill-1",
  sites: ["a"],
  upTo: 0.5,
  batch: null,
  holdMs: 10_000,
  reason: "March",
  actor: "me@here",
  pace: { kind: "auto" },
  overrides: [],
};

const CONTEXT: PlanContext = {
  createdAt: "2026-01-01T00:00:00.000Z",
  topology: { name: "sites", hash: "0".repeat(64) },
  nodes: { dp: { url: "http://127.0.0.1:1", region: "a", set: "a" } },
  gates: { ...GATES, windowSeconds: 2 },
};

const propose = (asked: Partial<Drill> = {}, { situation, problem }: World = EVEN) =>
  proposeDrill({ ...DRILL, ...asked }, situation, problem);

const rules = async (...args: Parameters<typeof propose>): Promise<string[]> =>
  (await propose(...args))!.objections.map(({ rule }) => rule);

const entry = (fields: Partial<Entry>): Entry => entryOf({ id: "d-0", site: "d", ...fields });

const withEntry = (one: Entry): World => ({
  ...EVEN,
  situation: { ...EVEN.situation, policy: { ...EVEN.situation.policy, entries: [one] } },
});

const policySteps = (plan: UserPlan) => stepsOf(plan).filter((step) => step.kind === "policy");

describe("a drill", () => {
  it("goes there batch after batch, holds in windows of the gates or longer, and back in parts", async () => {
    const plan = planOfDrill((await propose())!, CONTEXT);
    expect(plan.stages.map(({ kind }) => kind)).toEqual([
      "reach",
      ...Array.from({ length: 10 }, () => "drill"),
      "hold",
      "return",
    ]);
    expect(plan.fingerprint.after).toBe(plan.fingerprint.before);
    const windows = plan.stages[11]!.waves.flat();
    expect(windows).toHaveLength(5);
    for (const step of windows)
      expect(step).toMatchObject({ receivers: [{ site: "a" }], gates: { windowSeconds: 2 } });
    const told = plan.stages[12]!.waves.flat().filter((step) => step.kind === "relogin");
    expect(told.map(({ node, entry: account, sessions }) => [node, account, sessions])).toEqual([
      ["a-gw", "drill-1-home", 5],
      ...Array.from({ length: 4 }, (_, i) => ["a-gw", "drill-1-home", i < 3 ? 24 : null]),
    ]);
    expect(decodeStoredPlan(encodePlan(plan), "plan")).toEqual(plan);
  });

  it("tells users at every gateway of the site to go home, also where nobody was when it was planned", async () => {
    const { situation, ...rest } = EVEN;
    const gateways = situation.gateways.flatMap((one) => [
      one,
      { ...one, node: `${one.node}-2`, groups: [] },
    ]);
    const proposal = await propose({}, { ...rest, situation: { ...situation, gateways } });
    const { stages } = planOfDrill(proposal!, CONTEXT);
    const told = (stage: string) =>
      stages
        .filter(({ kind }) => kind === stage)
        .flatMap(({ waves }) => waves.flat())
        .filter((step) => step.kind === "relogin");
    const home = told("return");
    expect(new Set(home.map(({ node }) => node))).toEqual(new Set(["a-gw", "a-gw-2"]));
    for (const { node, perSecond, sessions } of home.filter((step) => step.node === "a-gw"))
      expect(home).toContainEqual(
        expect.objectContaining({ node: `${node}-2`, perSecond, sessions }),
      );
    // Who goes there is where everybody is now; somebody may have come to the others since.
    const [busy, empty] = ["d-gw", "d-gw-2"].map(
      (node) => told("drill").find((step) => step.node === node)!.perSecond!,
    );
    expect(busy! / empty!).toBeGreaterThan(5);
  });

  it("has the sites watched that get users, on the way there and on the way back", async () => {
    const { stages } = planOfDrill((await propose())!, CONTEXT);
    const watched = (kind: string) =>
      stages
        .filter((stage) => stage.kind === kind)
        .flatMap(({ waves }) => waves.flat())
        .flatMap((step) =>
          step.kind === "receivers" ? [step.receivers.map((one) => one.site)] : [],
        );
    expect(watched("drill")).toEqual(Array.from({ length: 20 }, () => ["a"]));
    // What is saved is the most there.
    expect(new Set(watched("return").flat())).toEqual(new Set(["d"]));
  });

  it("does nothing where the sites are that full already, and fills those that are not", async () => {
    expect(await propose({ upTo: 0.4 })).toBeNull();
    const uneven = world(
      [400, 400, 400, 400],
      CLASSES.map(() => [2, 6, 4, 4]),
    );
    const { view } = (await propose({ sites: ["a", "b"], upTo: 0.5 }, uneven))!;
    expect(view.receivers).toMatchObject([{ site: "a" }]);
    expect(view.receivers[0]!.after).toBeCloseTo(500);
  });

  it("is refused when the others have too few users, or no logins are to spare on either way, with the numbers", async () => {
    const few = world(
      [150, 150, 150, 150],
      CLASSES.map(() => [1, 1, 1, 1]),
    );
    const { objections } = (await propose({ upTo: 1 }, few))!;
    expect(objections).toMatchObject([
      {
        rule: "room",
        message:
          "a would lack 400 of the 850 users that make 100%: only 450 of the other sites can go there",
      },
    ]);
    const fast = (await propose({ pace: { kind: "rate", perSecond: 110 } }))!;
    expect(fast.objections.map(({ message }) => message)[0]).toMatch(/^a would get 11\d logins.s/);
    const lines = ["telecom", "unicom"].map((carrier): Limit => ({
      what: `over ${carrier}`,
      sites: ["a"],
      carrier,
      users: 220,
      soft: 220,
    }));
    const narrow = { ...EVEN.problem, limits: [...EVEN.problem.limits, ...lines] };
    const full = (await propose({ upTo: 0.6 }, { ...EVEN, problem: narrow }))!;
    expect(full.objections.map(({ message }) => message)).toEqual([
      "a would lack 160 of the 200 users that make 60%: a has room for 20 more over telecom; a has room for 20 more over unicom",
    ]);
  });

  it("is refused while an entry is in force at any site, or was a minute ago", async () => {
    expect(await rules()).toEqual([]);
    expect(await rules({}, withEntry(entry({})))).toEqual(["one-at-a-time"]);
    expect(await rules({}, withEntry(entry({ since: NOW - 5_000 })))).toEqual([
      "one-at-a-time",
      "anti-flap",
    ]);
    expect(await rules({}, withEntry(entry({ expires: NOW - 30_000 })))).toEqual(["anti-flap"]);
    const overrides = ["one-at-a-time", "anti-flap"];
    const { objections } = (await propose(
      { overrides },
      withEntry(entry({ since: NOW - 5_000 })),
    ))!;
    expect(objections.every(({ overridden }) => overridden)).toBe(true);
  });
});

const anyWorld = fc
  .record({
    users: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 4, maxLength: 4 }),
    weights: fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 4, maxLength: 4 }), {
      minLength: 4,
      maxLength: 4,
    }),
    costs: fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 16, maxLength: 16 }),
  })
  .filter(({ weights }) => weights.every((row) => row.some((weight) => weight > 0)))
  .map(({ users, weights, costs }) => world(users, weights, costs));

it("whoever goes, the site gets what it lacks or all there are, and nobody could go for less", async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld, fc.constantFrom(0.2, 0.5, 0.8), async (some, upTo) => {
      const proposal = await propose({ upTo }, some);
      const { classes, costs } = some.problem;
      const of = (site: string) =>
        classes.reduce((sum, one) => (one.site === site ? sum + one.users : sum), 0);
      const wanted = Math.max(0, upTo * RATED - of("a"));
      if (wanted < 0.5) {
        expect(proposal).toBeNull();
        return;
      }
      const { moves } = proposal!.view;
      expect(moves.every(({ from, to }) => to === "a" && from !== "a")).toBe(true);
      const others = SITES.slice(1).reduce((sum, site) => sum + of(site), 0);
      const count = Math.min(wanted, others);
      expect(moves.reduce((sum, { users }) => sum + users, 0)).toBeCloseTo(count, 1);
      expect(proposal!.objections.some(({ rule }) => rule === "room")).toBe(others < wanted - 0.5);

      // With one site to go to and no other limits, the best is to take the cheapest first.
      const price = (one: (typeof classes)[number]) => {
        const row = costs(one.carrier, one.province);
        return row[0]! - row[SITES.indexOf(one.site!)]!;
      };
      let left = count;
      let least = 0;
      for (const one of classes
        .filter(({ site }) => site !== "a")
        .toSorted((x, y) => price(x) - price(y))) {
        const users = Math.min(left, one.users);
        left -= users;
        least += users * price(one);
      }
      const paid = classes.reduce((sum, one, i) => {
        const gone = proposal!.placement.shares[i]!.filter(({ site }) => site !== one.site);
        return sum + gone.reduce((all, { users }) => all + users * price(one), 0);
      }, 0);
      expect(paid).toBeCloseTo(least, 0);
    }),
    { numRuns: 60 },
  );
});

it("whatever the fractions, each batch moves the same part, only to the site, and the last leads back to the first", async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld, fc.integer({ min: 1, max: 7 }), async (some, batches) => {
      const proposal = await propose({ overrides: ["room"] }, some);
      if (proposal === null) return;
      const { moves } = proposal.view;
      const count = moves.reduce((sum, { users }) => sum + users, 0);
      if (count < 1) return;
      const drill = { ...proposal.drill, batch: count / batches };
      const plan = planOfDrill({ ...proposal, drill }, CONTEXT);
      const steps = policySteps(plan);
      const versions = [some.situation.policy.classes, ...steps.map(({ after }) => after.classes!)];
      // Each step stands on the one before, so that any prefix of them is taken back exactly.
      for (const [i, { before }] of steps.entries()) expect(before.classes).toEqual(versions[i]);
      expect(versions.at(-1)).toEqual(versions[0]);
      const online = usersOnline(some.situation);
      const at = (version: readonly PolicyClass[], site: string) =>
        version.reduce((sum, { carrier, province, base }) => {
          const own = online.filter((one) => one.carrier === carrier && one.province === province);
          const users = own.reduce((all, one) => all + one.users, 0);
          return sum + users * (fractionsOf(base).get(site) ?? 0);
        }, 0);
      for (const [i, version] of versions.slice(0, -1).entries()) {
        const came = at(version, "a") - at(versions[0]!, "a");
        expect(came).toBeCloseTo((count * i) / batches, 1);
        for (const site of SITES.slice(1)) {
          const gone = moves.filter(({ from }) => from === site);
          const all = gone.reduce((sum, { users }) => sum + users, 0);
          const left = at(versions[0]!, site) - at(version, site);
          expect(left).toBeCloseTo((all * i) / batches, 1);
        }
      }
    }),
    { numRuns: 40 },
  );
});
