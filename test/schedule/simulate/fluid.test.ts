import fc from "fast-check";
import { expect, test } from "vitest";
import { Fluid } from "../../../src/lib/schedule/simulate/fluid.js";
import type { Kind } from "../../../src/lib/schedule/simulate/kinds.js";
import { generator } from "../../../src/lib/schedule/simulate/random.js";
import { AHEAD_SECONDS, Turns } from "../../../src/lib/schedule/simulate/turns.js";

const SITES = ["a", "b", "c"] as const;
const site = fc.constantFrom(...SITES);
const ALL = { carrier: null, province: null, port: null };

const kind: fc.Arbitrary<Kind> = fc.record({
  carrier: fc.constantFrom("x", "y"),
  province: fc.constant("p"),
  users: fc.constantFrom(0, 1, 50, 1_000),
  home: site,
  away: fc.option(
    fc.record({
      entry: fc.constantFrom("e", "f"),
      to: fc.option(site),
      above: fc.constantFrom(0.25, 0.75),
    }),
  ),
});

/** What may happen in a second. */
const act = fc.oneof(
  fc.record({
    do: fc.constant("route" as const),
    e: fc.constantFrom(0, 0.5, 1),
    f: fc.constantFrom(0, 1),
  }),
  fc.record({
    do: fc.constantFrom("tell" as const, "close" as const),
    site: fc.nat({ max: 2 }),
    carrier: fc.constantFrom(null, "x"),
    most: fc.constantFrom(1, 100, Infinity),
    within: fc.constantFrom(2, 30),
  }),
  fc.record({ do: fc.constant("wait" as const), seconds: fc.constantFrom(1, 40) }),
);

test("whatever happens, no user is lost or made, and no site serves more logins than it takes", () => {
  fc.assert(
    fc.property(
      fc.array(kind, { minLength: 1, maxLength: 6 }),
      fc.array(fc.constantFrom(0, 1, 20, 5_000), { minLength: 3, maxLength: 3 }),
      fc.constantFrom(0, 0.01, 0.5),
      fc.array(act, { maxLength: 12 }),
      (kinds, limits, churn, acts) => {
        const sites = SITES.map((id, i) => ({ id, limit: limits[i]! }));
        const fluid = new Fluid({ kinds, sites, churn, random: generator(7) });
        fluid.route(new Map());
        fluid.settle();
        const tasks: number[] = [];
        let now = 0;
        const tick = (): void => {
          fluid.tick(now);
          now += 1;
          const census = fluid.census();
          for (const [k, { online, waiting }] of census.entries())
            expect(online + waiting).toBeCloseTo(kinds[k]!.users, 6);
          const sum = (of: "online" | "waiting") => census.reduce((all, one) => all + one[of], 0);
          expect(fluid.counts.reduce((all, one) => all + one.online, 0)).toBeCloseTo(
            sum("online"),
            6,
          );
          expect(fluid.without).toBeCloseTo(sum("waiting"), 6);
          for (const [i, { perSecond, online }] of fluid.counts.entries()) {
            expect(perSecond).toBeLessThanOrEqual(limits[i]!);
            expect(online).toBeGreaterThan(-1e-6);
          }
          for (const task of tasks) expect(fluid.staying(task)).toBeGreaterThan(-1e-6);
        };
        for (const one of acts) {
          if (one.do === "route")
            fluid.route(
              new Map([
                ["e", one.e],
                ["f", one.f],
              ]),
            );
          else if (one.do === "wait") for (let i = 1; i < one.seconds; i += 1) tick();
          else {
            const filter = { ...ALL, carrier: one.carrier };
            if (one.do === "close") fluid.close(one.site, filter, one.most, now);
            else {
              const task = fluid.openTask();
              tasks.push(task);
              fluid.tell(one.site, filter, one.most, { task, now, within: one.within });
            }
          }
          tick();
        }
      },
    ),
    { numRuns: 100 },
  );
});

test("where a site is full to the last digit, those who are refused wait", () => {
  const of = (users: number): Kind => {
    const away = { entry: "e", to: null, above: 0.25 };
    return { carrier: "x", province: "p", users, home: "b", away };
  };
  const sites = SITES.map((id) => ({ id, limit: 20 }));
  const fluid = new Fluid({ kinds: [of(50), of(1_000)], sites, churn: 0, random: generator(7) });
  fluid.route(new Map());
  fluid.settle();
  fluid.close(1, ALL, Infinity, 0);
  for (const now of [0, 1]) fluid.tick(now);
  const users = fluid.census().map(({ online, waiting }) => online + waiting);
  expect(users[0]).toBeCloseTo(50);
  expect(users[1]).toBeCloseTo(1_000);
});

test("those who are refused come back one after the other, at the rate of the site", () => {
  const parts = fc.tuple(fc.constantFrom(0.1, 1, 4.3), fc.nat({ max: 3 }));
  const limits = fc.constantFrom(0.5, 7, 100);
  fc.assert(
    fc.property(fc.array(parts, { minLength: 1, maxLength: 9 }), limits, (refusals, limit) => {
      const turns = new Turns();
      const back = new Map<number, number>();
      let now = 0;
      for (const [seconds, later] of refusals) {
        now += later;
        const users = seconds * limit;
        const shares = turns.give(users, limit, now, () => 0);
        expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
        expect(shares[0]).toBe(0);
        for (const [after, share] of shares.entries())
          back.set(now + after, (back.get(now + after) ?? 0) + users * share);
      }
      for (const users of back.values()) expect(users).toBeLessThanOrEqual(limit * (1 + 1e-9));
    }),
  );
});

test("those for whom there is no turn within a minute come back spread over its second half", () => {
  const shares = new Turns().give(1_000_000, 10, 5, generator(3));
  const half = AHEAD_SECONDS / 2;
  expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
  for (const share of shares.slice(1, half)) expect(share).toBeCloseTo(1e-5, 9);
  for (const share of shares.slice(half + 1)) {
    expect(share).toBeGreaterThan(0.4 / half);
    expect(share).toBeLessThan(1.7 / half);
  }
});
