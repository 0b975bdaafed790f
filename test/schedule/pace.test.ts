import fc from "fast-check";
import { expect, test } from "vitest";
import { paceOf } from "../../src/lib/schedule/change/pace.js";

const site = (spare: number, users: number, own: number) => ({ site: "a", users, spare, own });

test("users who never log in by themselves: the bound is users over spare logins", () => {
  const { boundSeconds, perSecond, seconds } = paceOf([site(100, 5_000, 0)], null);
  expect(boundSeconds).toBe(50);
  expect(perSecond).toBeCloseTo(95, 9);
  expect(seconds).toBeCloseTo(5_000 / 95, 9);
});

test("a receiver that the new users' own logins fill up is one that no pace can fill", () => {
  expect(paceOf([site(100, 5_000, 100)], null).boundSeconds).toBe(Infinity);
});

test("bound and duration are those of the flow, second by second; no receiver gets more than it takes", () => {
  const arrivals = fc.record({
    site: fc.constant("a"),
    users: fc.integer({ min: 10_000, max: 100_000 }),
    spare: fc.integer({ min: 200, max: 400 }),
    own: fc.integer({ min: 0, max: 150 }),
  });
  fc.assert(
    fc.property(arrivals, arrivals, (one, two) => {
      const all = [one, { ...two, site: "b" }];
      const { boundSeconds, perSecond, seconds, logins } = paceOf(all, null);
      for (const { site: id, spare } of all)
        expect(logins.get(id)!).toBeLessThanOrEqual(spare * (1 + 1e-9));
      expect(seconds).toBeGreaterThan(boundSeconds);
      const users = one.users + two.users;
      const share = (of: { readonly users: number }) => (perSecond * of.users) / users;
      expect(seconds).toBeCloseTo(
        Math.max(...all.map((of) => flow(of.users, share(of), of.own / of.users))),
        -0.5,
      );
      expect(boundSeconds).toBeCloseTo(
        Math.max(...all.map((of) => flow(of.users, of.spare - of.own, of.own / of.users))),
        -0.5,
      );
    }),
    { numRuns: 50 },
  );
});

/** Seconds until all have moved: those who are told, and those who log in by themselves meanwhile. */
function flow(users: number, perSecond: number, churn: number): number {
  const dt = 0.05;
  let [left, t] = [users, 0];
  for (; left > 0; t += dt) left -= dt * (perSecond + churn * left);
  return t;
}

test("no receiver gets more than it has to spare, and no pace that keeps to that takes a tenth less", () => {
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
