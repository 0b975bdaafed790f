import { describe, expect, test } from "vitest";
import { OpsError } from "../../src/lib/errors.js";
import { assertSound, checkPlan, checks } from "../../src/lib/plan/check/index.js";
import { observedFromTopology } from "../../src/lib/plan/observed.js";
import { planShards } from "../../src/lib/plan/planner.js";
import type { ShardPlan, ShardStage, ShardStageKind, ShardStep } from "../../src/lib/plan/types.js";
import type { Segment } from "../../src/lib/keyspace/segment.js";
import { rangeKeyspace, shard, topologyOf } from "./cluster.js";

const COUNTED = rangeKeyspace("counted", [shard("c0", 0n, 1000n, "tj-2-d2", "sz-2-d2")]);
const PLAN: ShardPlan = planShards({
  topology: topologyOf([
    rangeKeyspace("profile", [
      shard("p0", 0n, 500n, "sh-1-d1", "sz-1-d1", "tj-1-d1"),
      shard("p1", 500n, 1000n, "sh-2-d1", "sz-2-d1", "tj-1-d1"),
    ]),
    { ...COUNTED, ack: "follower" },
    rangeKeyspace("fresh", [shard("f0", 0n, 1000n, "tj-1-d2", "sh-1-d2")]),
    rangeKeyspace("named", [shard("n0", 0n, 500n, "sh-2-d2"), shard("n1", 500n, 1000n, "sh-2-d2")]),
    rangeKeyspace("smaller", [shard("s0", 0n, 600n, "tj-2-d1", "sh-1-d2")], 600n),
  ]),
  observed: observedFromTopology(
    topologyOf([
      rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1", "sz-1-d1", "tj-1-d1")]),
      COUNTED,
      rangeKeyspace("named", [shard("n0", 0n, 1000n, "sh-2-d2")]),
      rangeKeyspace("smaller", [shard("s0", 0n, 1000n, "tj-2-d1", "sh-1-d2")]),
    ]),
  ),
  createdAt: "2026-01-01T00:00:00.000Z",
  topologyHash: "t",
});

type Map<T> = (value: T) => T;

function stage(kind: ShardStageKind, to: Map<ShardStage>): Map<ShardPlan> {
  return (plan) => ({
    ...plan,
    stages: plan.stages.map((one) => (one.kind === kind ? to(one) : one)),
  });
}

/** Changes every step of a kind; null removes it. */
function step<K extends ShardStep["kind"]>(
  kind: K,
  to: (step: Extract<ShardStep, { kind: K }>) => ShardStep | null,
): Map<ShardPlan> {
  const change = (one: ShardStep) =>
    one.kind === kind ? (to(one as Extract<ShardStep, { kind: K }>) ?? []) : one;
  return (plan) => ({
    ...plan,
    stages: plan.stages.map((one) => ({
      ...one,
      waves: one.waves.map((wave) => wave.flatMap(change)),
    })),
  });
}

function moved(from: ShardStageKind, to: ShardStageKind, pick: ShardStep["kind"]): Map<ShardPlan> {
  const picked = PLAN.stages
    .flatMap((one) => (one.kind === from ? one.waves.flat() : []))
    .filter((one) => one.kind === pick);
  return (plan) =>
    stage(to, (one) => ({ ...one, waves: [...one.waves, picked] }))(step(pick, () => null)(plan));
}

/** Somebody more is to hold something of a keyspace. */
function holders(keyspace: string, more: Segment): Map<ShardPlan> {
  return (plan) => ({
    ...plan,
    keyspaces: plan.keyspaces.map((one) =>
      one.id === keyspace ? { ...one, after: [...one.after, { ...one.after[0]!, ...more }] } : one,
    ),
  });
}

const MUTANTS: readonly [rule: string, what: string, mutate: Map<ShardPlan>][] = [
  ["unique-ids", "two steps with one id", step("verify", (one) => ({ ...one, id: "s1" }))],
  [
    "unique-ids",
    "two stages with one id",
    stage("retire", (one) => ({ ...one, id: PLAN.stages[0]!.id })),
  ],
  ["stage-order", "writes before reads", (plan) => ({ ...plan, stages: plan.stages.toReversed() })],
  ["stage-order", "no preflight", (plan) => ({ ...plan, stages: plan.stages.slice(1) })],
  ["stage-steps", "a drop in the soak", moved("retire", "soak", "drop")],
  ["stage-steps", "a takeover in the verification", moved("promote-writes", "verify", "takeover")],
  [
    "known-nodes",
    "a source without an address",
    step("link", (one) => ({ ...one, source: "gone" })),
  ],
  [
    "known-nodes",
    "a reader without an address",
    step("readers", (one) => ({ ...one, after: [{ node: "gone", weight: 100 }] })),
  ],
  ["known-nodes", "a node that lost its address", (plan) => ({ ...plan, nodes: {} })],
  [
    "segments-in-domain",
    "a segment beyond the domain",
    step("link", (one) => ({ ...one, segments: [{ lo: 500n, hi: 1001n }] })),
  ],
  [
    "segments-in-domain",
    "an empty segment",
    step("verify", (one) => ({ ...one, segments: [{ lo: 500n, hi: 500n }] })),
  ],
  [
    "segments-in-domain",
    "another keyspace",
    step("gate", (one) => ({ ...one, keyspace: "other" })),
  ],
  [
    "holdings-cover",
    "a gap in the target",
    (plan) => ({
      ...plan,
      keyspaces: plan.keyspaces.map((one) => ({ ...one, after: one.after.slice(1) })),
    }),
  ],
  [
    "holdings-cover",
    "an overlap",
    (plan) => ({
      ...plan,
      keyspaces: plan.keyspaces.map((one) => ({ ...one, after: [...one.after, ...one.after] })),
    }),
  ],
  [
    "holdings-cover",
    "a primary that is a replica too",
    (plan) => ({
      ...plan,
      keyspaces: plan.keyspaces.map((one) => ({
        ...one,
        after: one.after.map((h) => ({ ...h, replicas: [h.primary] })),
      })),
    }),
  ],
  ["scopes-complete", "a scope is missing", (plan) => ({ ...plan, scopes: plan.scopes.slice(1) })],
  [
    "fingerprints",
    "another fingerprint",
    (plan) => ({ ...plan, fingerprint: { ...plan.fingerprint, before: "0" } }),
  ],
  [
    "undo-told",
    "no word on the way back",
    stage("sync", (one) => ({ ...one, undo: { ...one.undo, how: "" } })),
  ],
  [
    "undo-told",
    "a drop called lossless",
    stage("retire", (one) => ({ ...one, undo: { ...one.undo, lossless: true } })),
  ],
  [
    "wave-limits",
    "more copies than allowed",
    (plan) => ({ ...plan, limits: { perNode: 2, total: 1 } }),
  ],
  [
    "wave-limits",
    "a busy node",
    (plan) => ({
      ...step("link", (one) => ({ ...one, source: "sh-1-d1" }))(plan),
      limits: { perNode: 1, total: 4 },
    }),
  ],
  [
    "blast-radius",
    "reads go to two sets of a region at once",
    (plan) => ({ ...plan, limits: { ...plan.limits, blastRadius: "set" } }),
  ],
  [
    "runs-on-model",
    "a comparison with a node that is not followed",
    step("verify", (one) => ({ ...one, source: one.node })),
  ],
  [
    "links-awaited",
    "nothing waits for a copy",
    stage("attach", (one) => ({ ...one, waves: one.waves.filter((_, i) => i % 2 === 0) })),
  ],
  ["takeovers-prepared", "no verification", step("verify", () => null)],
  ["takeovers-prepared", "no link", step("link", () => null)],
  [
    "takeovers-prepared",
    "verified in part",
    step("verify", (one) => ({ ...one, segments: [{ lo: 500n, hi: 600n }] })),
  ],
  [
    "takeovers-complete",
    "a slice is forgotten",
    step("takeover", (one) => (one.segments[0]!.lo === 500n ? null : one)),
  ],
  [
    "takeovers-complete",
    "a slice is taken twice",
    step("takeover", (one) => ({ ...one, segments: [{ lo: 500n, hi: 1000n }] })),
  ],
  [
    "takeovers-complete",
    "a slice that stays",
    step("takeover", (one) => ({ ...one, segments: [{ lo: 0n, hi: 1000n }] })),
  ],
  ["takeovers-complete", "another shard", step("takeover", (one) => ({ ...one, shard: "p9" }))],
  [
    "weights-end",
    "weights that end at 99",
    step("readers", (one) => ({
      ...one,
      after: one.after.map((r) => ({ ...r, weight: Math.min(r.weight, 99) })),
    })),
  ],
  [
    "weights-end",
    "an old copy that is still read",
    step("readers", (one) => ({ ...one, after: one.before.length > 0 ? one.before : one.after })),
  ],
  [
    "weights-end",
    "no first routes",
    step("domain", (one) => (one.keyspace === "fresh" ? null : one)),
  ],
  ["relabels-complete", "a segment that keeps its old shard", step("relabel", () => null)],
  [
    "relabels-complete",
    "too much of it",
    step("relabel", (one) => ({ ...one, segments: [{ lo: 0n, hi: 1000n }] })),
  ],
  ["relabels-complete", "another shard", step("relabel", (one) => ({ ...one, shard: "n9" }))],
  [
    "domains-chained",
    "routes that stay",
    step("domain", (one) => (one.keyspace === "smaller" ? null : one)),
  ],
  [
    "domains-chained",
    "a step from somewhere else",
    step("domain", (one) => ({ ...one, before: { lo: 0n, hi: 7n } })),
  ],
  ["settings-complete", "settings that stay", step("settings", () => null)],
  [
    "settings-complete",
    "a step to others",
    step("settings", (one) => ({ ...one, after: { ...one.after, syncWindowMs: 7 } })),
  ],
  ["stage-steps", "settings before the copies", moved("settings", "attach", "settings")],
  [
    "drops-allowed",
    "a copy that was to stay",
    step("drop", (one) => ({ ...one, node: "tj-1-d1" })),
  ],
  [
    "drops-allowed",
    "too much of a copy",
    step("drop", (one) => ({ ...one, segments: [{ lo: 0n, hi: 1000n }] })),
  ],
  [
    "drops-allowed",
    "a deletion within the domain",
    step("discard", (one) => ({ ...one, segments: [{ lo: 599n, hi: 1000n }] })),
  ],
  ["holdings-cover", "a holder outside of the domain", holders("smaller", { lo: 600n, hi: 700n })],
  ["stage-steps", "a deletion before the soak", moved("retire", "promote-writes", "discard")],
  ["runs-on-model", "data that is left", step("discard", () => null)],
  ["runs-on-model", "a deletion of what is routed", moved("retire", "verify", "discard")],
  ["runs-on-model", "reads of a copy that is not made", step("link", () => null)],
  ["runs-on-model", "no takeover", step("takeover", () => null)],
  [
    "runs-on-model",
    "a copy that is left",
    step("drop", (one) => (one.node === "sz-1-d1" ? null : one)),
  ],
  [
    "runs-on-model",
    "a follower left behind",
    step("repoint", (one) => (one.node === "sz-2-d1" ? null : one)),
  ],
  [
    "runs-on-model",
    "a wait for more than is held",
    step("sync", (one) => ({ ...one, segments: [{ lo: 0n, hi: 1000n }] })),
  ],
  [
    "runs-on-model",
    "a comparison of a primary",
    step("verify", (one) => ({ ...one, node: one.keyspace === "fresh" ? "tj-1-d2" : "sh-1-d1" })),
  ],
  ["runs-on-model", "a link to itself", step("link", (one) => ({ ...one, source: one.node }))],
];

test("what the planner makes is sound", () => {
  expect(checkPlan(PLAN)).toEqual([]);
  expect(() => assertSound(PLAN)).not.toThrow();
});

describe("every rule catches what it is there for", () => {
  test.each(MUTANTS)("%s: %s", (rule, _what, mutate) => {
    expect(checkPlan(mutate(PLAN)).map((finding) => finding.rule)).toContain(rule);
  });

  test("no rule is without a case", () => {
    const cases = new Set(MUTANTS.map(([rule]) => rule));
    expect(checks.map(({ rule }) => rule).filter((rule) => !cases.has(rule))).toEqual([]);
  });
});

test("an unsound plan is refused with every finding and its step", () => {
  const unsound = step("drop", (one) => ({ ...one, node: "tj-1-d1" }))(PLAN);
  try {
    assertSound(unsound);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(OpsError);
    expect(error).toMatchObject({ code: "plan/unsound", exit: 3, details: checkPlan(unsound) });
    expect((error as OpsError).message).toMatch(
      /drops-allowed, step s\d+: tj-1-d1 deletes \[500, 1000\)/,
    );
  }
});
