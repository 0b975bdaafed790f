import { expect, it } from "vitest";
import { assign } from "../../../src/lib/schedule/assign/assign.js";
import { planOfBalance } from "../../../src/lib/schedule/change/balance.js";
import { changePolicy } from "../../../src/lib/schedule/change/policy-part.js";
import { assertUsable } from "../../../src/lib/policy/wire.js";
import { cut } from "../../../src/lib/policy/cut.js";
import {
  CLASSES,
  CONTEXT,
  POLICY,
  SITUATION,
  entry,
  planOf,
  problemOf,
  proposed,
  stepsOf,
} from "./situation.js";

it("a site that came after the policy: nobody is sent there", async () => {
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
  const plan = planOf(await proposed({ mode: "mask" }, { policy: { ...POLICY, sites, classes } }));
  const { entries } = stepsOf(plan).find((step) => step.kind === "policy")!.after;
  const to = entries[0]!.redirects.flatMap(({ map }) => map.map(({ value }) => value));
  expect(new Set(to)).toEqual(new Set(["sz-a"]));
});

it("a site that is gone: other fractions leave out its entries, and the ways to it", async () => {
  const way = (site: string) => ({ ...CLASSES[0]!, map: cut([], new Map([[site, 1]])) });
  const kept = entry({ id: "sz-a-0", site: "sz-a", redirects: [way("tj-a")] });
  const policy = { ...POLICY, entries: [kept, entry({ id: "tj-a-0", site: "tj-a" })] };
  const { ["tj-a"]: _, ...sites } = POLICY.sites;
  const situation = { ...SITUATION, policy };
  const problem = {
    ...problemOf(situation),
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
  const step = stepsOf(plan).find((one) => one.kind === "policy")!;
  const after = changePolicy(policy, step.before, step.after, 9n);
  expect(after.entries).toEqual([{ ...kept, redirects: [] }]);
  assertUsable(after);
  const back = changePolicy(after, step.after, step.before, 9n);
  expect(back.entries.map(({ id }) => id)).toEqual(["sz-a-0", "tj-a-0"]);
});
