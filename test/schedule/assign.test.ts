import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assign, type Assignment } from "../../src/lib/schedule/assign/assign.js";
import { loadHighs } from "../../src/lib/schedule/assign/solver.js";
import type { Limit, Problem, Site } from "../../src/lib/schedule/types.js";
import { problemOf } from "../../bench/assign-problem.js";
import { anyProblem } from "./any-problem.js";
import { bestOfAll, levelAfterLevel, mayBe, valuesOf } from "./reference.js";

const values = ({ levels }: Assignment) => levels.map(({ value }) => value);

function expectClose(found: readonly number[], wanted: readonly number[], digits = 5): void {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(found[i]).toBeCloseTo(value, digits);
}

/** Whatever the solver said: the placement is allowed, comes to what it says, and the bounds say that none is better. */
function expectProven(problem: Problem, found: Assignment): void {
  const placed = found.shares.map(
    (shares) => new Map(shares.map(({ site, users }) => [site, users])),
  );
  for (const [i, one] of problem.classes.entries()) {
    const sum = [...placed[i]!.values()].reduce((a, b) => a + b, 0);
    expect(sum).toBeLessThanOrEqual(one.users + 1e-6);
    for (const site of placed[i]!.keys()) expect(mayBe(problem, one)).toContain(site);
  }
  const added = valuesOf(problem, placed);
  expect(added).not.toBeNull();
  expectClose(values(found).slice(0, -1), added!);
  for (const { name, value, bound } of found.levels) {
    expect(Math.abs(value - bound), `${name}: ${value}, bound ${bound}`).toBeLessThan(
      1e-5 * (1 + value),
    );
  }
}

describe("an assignment is the lexicographic optimum", () => {
  test("of all placements of whole users, level by level", async () => {
    const seen = { unplaced: 0, over: 0, moved: 0 };
    await fc.assert(
      fc.asyncProperty(anyProblem({ crossing: false }), async (problem) => {
        const found = await assign(problem);
        expectProven(problem, found);
        expectClose(values(found).slice(0, -1), bestOfAll(problem));
        for (const { name, value } of found.levels)
          if (name in seen && value > 0) seen[name as "over"] += 1;
      }),
      { numRuns: 400, seed: 4 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  });

  test("of LPs that keep each level as a row, also where lines cross sets and in the time it takes", async () => {
    const highs = await loadHighs();
    let fractions = 0;
    await fc.assert(
      fc.asyncProperty(anyProblem({ crossing: true }), async (problem) => {
        const found = await assign(problem);
        expectProven(problem, found);
        expectClose(
          values(found),
          levelAfterLevel(problem, (text) => highs.solve(text)),
          3,
        );
        if (found.shares.flat().some(({ users }) => users % 1 > 1e-6)) fractions += 1;
      }),
      { numRuns: 400, seed: 4 },
    );
    expect(fractions).toBeGreaterThan(0);
  });

  test.each(["lost", "balance"] as const)(
    "and proves it at the size of a service: %s",
    async (kind) => {
      const problem = problemOf({ classes: 300, sites: 20 }, kind);
      const found = await assign(problem);
      expect(found.levels.map(({ name }) => name)).toEqual(
        kind === "lost"
          ? ["unplaced", "over", "moved", "cost", "seconds"]
          : ["unplaced", "over", "cost", "seconds"],
      );
      for (const { name, ratio } of found.levels) expect(ratio, name).toBeCloseTo(1, 9);
      expectProven(problem, found);
    },
  );
});

describe("where not everyone has a place, it says what stands in the way", () => {
  const site = (id: string, carriers: string[]): Site => ({
    id,
    idc: id,
    region: id,
    loginsPerSecond: 10,
    carriers,
  });
  const limit = (id: string, carrier: string | null, users: number): Limit => ({
    what: carrier ? `on the line of ${carrier}` : "users online",
    sites: [id],
    carrier,
    users,
    soft: users,
  });
  const problem: Problem = {
    sites: [site("a", ["t", "u"]), site("b", ["u"]), site("c", ["c"])],
    limits: [limit("a", null, 60), limit("a", "t", 30), limit("b", null, 70), limit("c", null, 90)],
    classes: [
      { carrier: "t", province: "p", site: "a", users: 50 },
      { carrier: "u", province: "p", site: "b", users: 40 },
      { carrier: "c", province: "p", site: "c", users: 20 },
    ],
    closed: [],
    costs: () => [1, 1, 1],
    moves: null,
  };

  test("the full limits, whose users they are, and by how much they are too low", async () => {
    const { shares, shortage } = await assign(problem);
    expect(shortage!.missing).toBeCloseTo(20, 6);
    expect(shortage!.limits).toEqual([problem.limits[1]]);
    expect(shortage!.users).toEqual([{ carrier: "t", users: 50 }]);
    expect(shares[0]).toEqual([{ site: "a", users: expect.closeTo(30, 6) as number }]);
    const wider = { ...problem, limits: problem.limits.filter(({ carrier }) => carrier === null) };
    const more = await assign({
      ...wider,
      classes: problem.classes.map((one) => (one.carrier === "u" ? { ...one, users: 100 } : one)),
    });
    expect(more.shortage!.missing).toBeCloseTo(20, 6);
    expect(more.shortage!.limits.map(({ sites }) => sites)).toEqual([["a"], ["b"]]);
    expect(more.shortage!.users.map(({ carrier }) => carrier)).toEqual(["t", "u"]);
  });

  test("the last site of a carrier", async () => {
    const closed = [{ site: "c", carrier: null, province: null }];
    const { shares, shortage } = await assign({ ...problem, limits: [], closed });
    expect(shares[2]).toEqual([]);
    expect(shortage).toEqual({ users: [{ carrier: "c", users: 20 }], limits: [], missing: 20 });
  });
});
