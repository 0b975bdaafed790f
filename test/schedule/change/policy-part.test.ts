import assert from "node:assert/strict";
import { expect, it } from "vitest";
import type { UserPlan } from "../../../src/lib/plan/users/types.js";
import { policyFingerprint } from "../../../src/lib/schedule/change/assemble.js";
import {
  changePolicy,
  entriesOnly,
  planned,
} from "../../../src/lib/schedule/change/policy-part.js";
import type { PolicyDocument } from "../../../src/lib/policy/document.js";
import { NOW, POLICY, entry, planOf, proposed, stepsOf, withEntries } from "./situation.js";

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
  const policyOf = (plan: UserPlan) => stepsOf(plan).find((step) => step.kind === "policy")!;
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
