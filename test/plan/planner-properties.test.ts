import fc from "fast-check";
import { expect, test } from "vitest";
import { checkPlan } from "../../src/lib/plan/check/index.js";
import { decodePlan, encodePlan } from "../../src/lib/plan/encode.js";
import { differences } from "../../src/lib/plan/model/invariants.js";
import { runPlan, undoRun } from "../../src/lib/plan/model/run.js";
import { modelOf } from "../../src/lib/plan/model/state.js";
import { topologyPairs } from "./any-topology.js";
import { planBetween } from "./cluster.js";

const SEED = Number(process.env["OPS_SEED"] ?? Math.floor(Math.random() * 1e9));
const RUNS = Number(process.env["OPS_RUNS"] ?? 300);
/** Of longer plans only some prefixes are undone. */
const PREFIXES = 12;

test(
  "from any topology to any other: the plan gets there, breaks no invariant, and any prefix of it can be taken back",
  { timeout: 600_000 },
  () => {
    process.stderr.write(`OPS_SEED=${SEED} OPS_RUNS=${RUNS}\n`);
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(topologyPairs, fc.nat(), ({ before, after }, cut) => {
        const plan = planBetween(before, after);
        expect(checkPlan(plan)).toEqual([]);
        const ran = runPlan(plan);
        expect(differences(ran.model, modelOf(plan.keyspaces, "after"))).toEqual([]);
        for (const { step } of ran.done) seen.set(step.kind, (seen.get(step.kind) ?? 0) + 1);

        const steps = ran.done.findIndex(({ step }) => ["drop", "discard"].includes(step.kind));
        const last = steps < 0 ? ran.done.length : steps;
        const stride = Math.max(1, Math.floor(last / PREFIXES));
        for (let length = cut % stride; length <= last; length += stride) {
          const model = ran.done[length]?.was ?? ran.model;
          const undone = undoRun({ model, done: ran.done.slice(0, length) });
          expect(differences(undone, modelOf(plan.keyspaces, "before"))).toEqual([]);
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    const kinds = "init link repoint domain settings relabel takeover drop discard".split(" ");
    for (const kind of kinds) expect([kind, seen.get(kind) ?? 0]).not.toEqual([kind, 0]);
  },
);

test("a plan applied leaves nothing to plan, and the plan that leads back has its fingerprints the other way round", () => {
  fc.assert(
    fc.property(topologyPairs, ({ before, after }) => {
      const plan = planBetween(before, after);
      expect(planBetween(after, after).stages).toEqual([]);
      const { fingerprint: back } = planBetween(after, before);
      expect(back).toEqual({ before: plan.fingerprint.after, after: plan.fingerprint.before });
    }),
    { numRuns: 100 },
  );
});

test("the first takeover of every move is its canary, a small part of it, before anything else moves", () => {
  fc.assert(
    fc.property(topologyPairs, ({ before, after }) => {
      const promotion = { ...after.policy.promotion, canary: 0.01 };
      const plan = planBetween(before, { ...after, policy: { ...after.policy, promotion } });
      const all = plan.stages.flatMap(({ waves }) => waves.flat());
      const takeovers = all.filter((step) => step.kind === "takeover");
      const widthOf = (of: typeof takeovers) =>
        of.flatMap(({ segments }) => segments).reduce((sum, { lo, hi }) => sum + hi - lo, 0n);
      const moves = new Map<string, typeof takeovers>();
      for (const step of takeovers) {
        const { keyspace, node, from, shard, shardBefore } = step;
        const key = [keyspace, node, from, shard, shardBefore].join(" ");
        moves.set(key, [...(moves.get(key) ?? []), step]);
      }
      // A single position has no part that could go first.
      const cut = [...moves.values()].filter((steps) => widthOf(steps) > 1n);
      const firsts = cut.map(([first]) => first!);
      expect(new Set(takeovers.slice(0, firsts.length))).toEqual(new Set(firsts));
      for (const [first, ...rest] of cut) {
        expect(rest).not.toEqual([]);
        // Twice what was asked for, which is one position at least.
        const hundredth = widthOf([first!, ...rest]) / 100n;
        expect(widthOf([first!])).toBeLessThanOrEqual(2n * (hundredth > 1n ? hundredth : 1n));
      }
    }),
    { numRuns: 200 },
  );
});

test("a plan survives its file, and the same request gives the same plan", () => {
  fc.assert(
    fc.property(topologyPairs, ({ before, after }) => {
      const plan = planBetween(before, after);
      expect(decodePlan(encodePlan(plan), "plan.json")).toEqual(plan);
      expect(planBetween(before, after)).toEqual(plan);
    }),
    { numRuns: 50 },
  );
});
