import fc from "fast-check";
import { expect, test } from "vitest";
import { OpsError } from "../../src/lib/errors.js";
import { checkPlan } from "../../src/lib/plan/check/index.js";
import { decodePlan, encodePlan } from "../../src/lib/plan/encode.js";
import { observedFingerprint } from "../../src/lib/plan/fingerprint.js";
import { differences } from "../../src/lib/plan/model/invariants.js";
import { runPlan, undoRun } from "../../src/lib/plan/model/run.js";
import { modelOf } from "../../src/lib/plan/model/state.js";
import { observedFromTopology } from "../../src/lib/plan/observed.js";
import { planShards } from "../../src/lib/plan/planner.js";
import type { Plan } from "../../src/lib/plan/types.js";
import type { Policy, Topology } from "../../src/lib/topology/types.js";
import { anyKeyspace, POLICY, topologyOf } from "./cluster.js";

const anyPolicy: fc.Arbitrary<Policy> = fc
  .record({
    perNode: fc.integer({ min: 1, max: 3 }),
    total: fc.integer({ min: 1, max: 6 }),
    canary: fc.constantFrom(0, 0.01, 0.5, 1),
    slices: fc.integer({ min: 1, max: 4 }),
    reads: fc.constantFrom([100], [1, 10, 50, 100]),
  })
  .map(({ perNode, total, canary, slices, reads }) => ({
    ...POLICY,
    concurrency: { perNode, total },
    promotion: { reads, canary, slices },
  }));

const pairs = fc.record({
  before: fc.array(anyKeyspace("profile"), { maxLength: 1 }),
  after: anyKeyspace("profile"),
  other: fc.array(anyKeyspace("status"), { maxLength: 1 }),
  policy: anyPolicy,
  cut: fc.nat({ max: 400 }),
});

/** Null when the planner says that it cannot do this yet. */
function planned(before: Topology, after: Topology): Plan | null {
  try {
    return planShards({
      topology: after,
      observed: observedFromTopology(before),
      createdAt: "2026-01-01T00:00:00.000Z",
      topologyHash: "t",
    });
  } catch (error) {
    if (error instanceof OpsError && error.code === "plan/unsupported") return null;
    throw error;
  }
}

test("any plan reaches its target, breaks no invariant, and can be taken back from any step", () => {
  let done = 0;
  fc.assert(
    fc.property(pairs, ({ before, after, other, policy, cut }) => {
      const base = topologyOf(before, policy);
      const plan = planned(base, topologyOf([after, ...other], policy));
      if (!plan) return;
      done += 1;
      expect(checkPlan(plan)).toEqual([]);
      const ran = runPlan(plan);
      expect(differences(ran.model, modelOf(plan.keyspaces, "after"))).toEqual([]);

      const undoable = ran.done.findIndex(({ step }) => step.kind === "drop");
      const last = undoable < 0 ? ran.done.length : undoable;
      const part = runPlan(plan, last === 0 ? 0 : cut % (last + 1));
      expect(differences(undoRun(part), modelOf(plan.keyspaces, "before"))).toEqual([]);
    }),
    { numRuns: 300 },
  );
  expect(done).toBeGreaterThan(50);
});

test("a plan applied leaves nothing to plan, and its fingerprints are those of the two states", () => {
  fc.assert(
    fc.property(pairs, ({ before, after, policy }) => {
      const base = topologyOf(before, policy);
      const target = topologyOf([after], policy);
      const plan = planned(base, target);
      if (!plan) return;
      expect(planned(target, target)?.stages).toEqual([]);
      expect(observedFingerprint(plan, observedFromTopology(base))).toBe(plan.fingerprint.before);
      expect(observedFingerprint(plan, observedFromTopology(target))).toBe(plan.fingerprint.after);
    }),
    { numRuns: 100 },
  );
});

test("a plan survives its file, and the same request gives the same plan", () => {
  fc.assert(
    fc.property(pairs, ({ before, after, policy }) => {
      const plan = planned(topologyOf(before, policy), topologyOf([after], policy));
      if (!plan) return;
      expect(decodePlan(encodePlan(plan), "plan.json")).toEqual(plan);
      expect(planned(topologyOf(before, policy), topologyOf([after], policy))).toEqual(plan);
    }),
    { numRuns: 50 },
  );
});
