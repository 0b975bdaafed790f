import fc from "fast-check";
import { expect, test } from "vitest";
import type { Segment } from "../../src/lib/keyspace/segment.js";
import { differences } from "../../src/lib/plan/model/invariants.js";
import { judge } from "../../src/lib/plan/model/judge.js";
import { runPlan } from "../../src/lib/plan/model/run.js";
import { ModelBreach, modelOf } from "../../src/lib/plan/model/state.js";
import type { ShardPlan, ShardStage, ShardStep } from "../../src/lib/plan/types.js";
import { topologyPairs, type TopologyPair } from "./any-topology.js";
import { NODES, planBetween, rangeKeyspace, shard, topologyOf } from "./cluster.js";

const SEED = Number(process.env["OPS_SEED"] ?? Math.floor(Math.random() * 1e9));
const RUNS = Number(process.env["OPS_RUNS"] ?? 100);
/** Of each plan. */
const DAMAGES = 8;

/** What `judge` is to find, by a run of the whole plan on one model of the whole cluster. */
function judgeWhole(plan: ShardPlan): string[] {
  try {
    return differences(runPlan(plan).model, modelOf(plan.keyspaces, "after"));
  } catch (error) {
    if (error instanceof ModelBreach) return [error.message];
    throw error;
  }
}

/** Both say which step it is; a stretch sees only a part of where it went wrong. */
function told(messages: readonly string[]): string[] {
  return messages.map((message) => /^step \w+ \(\w+\)/.exec(message)?.[0] ?? message).toSorted();
}

type Any = (count: number) => number;

/** A step does something else, or not all of it, or is not done at all. */
function damagedStep(step: ShardStep, any: Any): ShardStep[] {
  const node = NODES[any(7)]!.id;
  if (!("segments" in step) || any(3) === 0) return [];
  const segments = step.segments;
  const one = any(segments.length);
  const ways: (() => ShardStep)[] = [
    () => ({ ...step, segments: segments.toSpliced(one, segments.length > 1 ? 1 : 0) }),
    () => ({ ...step, segments: segments.with(one, narrowed(segments[one]!, any)) }),
    () => ({ ...step, segments: [{ lo: segments[0]!.lo, hi: segments.at(-1)!.hi }] }),
    () => ("node" in step ? { ...step, node } : step),
    () => ("source" in step ? { ...step, source: node } : step),
    () => (step.kind === "takeover" ? { ...step, from: node } : step),
    () => (step.kind === "readers" ? { ...step, after: [{ node, weight: 100 }] } : step),
  ];
  return [ways[any(ways.length)]!()];
}

function narrowed({ lo, hi }: Segment, any: Any): Segment {
  if (hi - lo < 2n) return { lo, hi };
  const middle = (lo + hi) / 2n;
  return any(2) === 0 ? { lo, hi: middle } : { lo: middle, hi };
}

/** One step is damaged, or two waves change places, or one is done twice, or somebody else holds something. */
function damaged(plan: ShardPlan, any: Any): ShardPlan {
  if (any(5) === 0) return heldByOthers(plan, any);
  const waves = plan.stages.flatMap((stage) => stage.waves);
  const [a, b] = [any(waves.length), any(waves.length)];
  const way = any(4);
  if (way === 0) {
    const swapped = waves.with(a, waves[b]!).with(b, waves[a]!);
    return { ...plan, stages: stagesOf(plan, swapped) };
  }
  if (way === 1) return { ...plan, stages: stagesOf(plan, waves.with(a, waves[b]!)) };
  const wave = waves[a]!;
  const at = any(wave.length);
  return {
    ...plan,
    stages: stagesOf(plan, waves.with(a, wave.toSpliced(at, 1, ...damagedStep(wave[at]!, any)))),
  };
}

function heldByOthers(plan: ShardPlan, any: Any): ShardPlan {
  const at = any(plan.keyspaces.length);
  const keyspace = plan.keyspaces[at]!;
  const side = any(2) === 0 ? "before" : "after";
  const holdings = keyspace[side];
  const one = any(holdings.length);
  const held = holdings[one];
  if (held === undefined) return plan;
  // Of a node that holds it twice there is no model.
  const node = NODES.slice(0, 7).filter(({ id }) => id !== held.primary)[any(6)]!.id;
  const others = [[], [{ ...held, shard: "p9" }], [{ ...held, replicas: [node] }]];
  const changed = holdings.toSpliced(one, 1, ...others[any(others.length)]!);
  return { ...plan, keyspaces: plan.keyspaces.with(at, { ...keyspace, [side]: changed }) };
}

/** Only one shard changes: most of what there is no step touches. */
function nearby({ before, after }: TopologyPair, any: Any): TopologyPair {
  const keyspaces = before.keyspaces.map((keyspace) => {
    const at = any(keyspace.shards.length);
    const shard = keyspace.shards[at]!;
    const moved = { ...shard, primary: NODES[any(7)]!.id, replicas: [] };
    const other = any(2) === 0 ? moved : { ...shard, id: "p9" };
    return { ...keyspace, shards: keyspace.shards.with(at, other) };
  });
  return { before, after: { ...after, keyspaces } };
}

/** The stages of a plan with these waves in them. */
function stagesOf({ stages }: ShardPlan, waves: readonly (readonly ShardStep[])[]): ShardStage[] {
  let next = 0;
  return stages.map((stage) => {
    const from = next;
    next += stage.waves.length;
    return { ...stage, waves: waves.slice(from, next) };
  });
}

test(
  "stretch by stretch, a plan is judged as by a run of all of it at once, however it is damaged",
  { timeout: 600_000 },
  () => {
    process.stderr.write(`OPS_SEED=${SEED} OPS_RUNS=${RUNS}\n`);
    const seen = { sound: 0, breach: 0, differs: 0 };
    const numbers = fc.array(fc.nat(), { minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(topologyPairs, numbers, (pair, from) => {
        let next = 0;
        const any: Any = (count) => from[next++ % from.length]! % Math.max(1, count);
        const { before, after } = any(2) === 0 ? pair : nearby(pair, any);
        const plan = planBetween(before, after);
        expect(judge(plan)).toEqual([]);
        if (plan.stages.length === 0) return;
        for (let i = 0; i < DAMAGES; i += 1) {
          const other = damaged(plan, any);
          const whole = judgeWhole(other);
          expect(told(judge(other))).toEqual(told(whole));
          const [first] = whole;
          seen[first === undefined ? "sound" : first.startsWith("step") ? "breach" : "differs"] +=
            1;
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    for (const [what, times] of Object.entries(seen))
      expect([what, times > RUNS / 10]).toEqual([what, true]);
  },
);

test("a wait is for whole entries, also for what of them lies beyond its segments", () => {
  const [old, next] = ["sh-1-d1", "sz-1-d1"];
  const plan = planBetween(
    topologyOf([rangeKeyspace("profile", [shard("p0", 0n, 1000n, old, next)])]),
    topologyOf([
      rangeKeyspace("profile", [
        shard("p0", 0n, 500n, old, next),
        shard("p1", 500n, 1000n, next, old),
      ]),
    ]),
  );
  const waitingFor = (lo: bigint, hi: bigint): ShardPlan => ({
    ...plan,
    stages: plan.stages.map((stage) => ({
      ...stage,
      waves: stage.waves.map((wave) =>
        wave.map((step) => (step.kind === "sync" ? { ...step, segments: [{ lo, hi }] } : step)),
      ),
    })),
  });
  expect(plan.stages.flatMap(({ waves }) => waves.flat()).map(({ kind }) => kind)).toContain(
    "sync",
  );
  expect(judge(waitingFor(0n, 100n))).toEqual([]);
  expect(judgeWhole(waitingFor(0n, 100n))).toEqual([]);
});

test("a node that holds something twice is no part of a model, and that is said instead of what follows from it", () => {
  const topology = topologyOf([
    rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1", "sz-1-d1")]),
  ]);
  const plan = planBetween(topology, topologyOf([]));
  for (const side of ["before", "after"] as const) {
    const [keyspace] = plan.keyspaces;
    const held = { lo: 0n, hi: 1000n, shard: "p0", primary: "sh-1-d1", replicas: ["sh-1-d1"] };
    const other = { ...plan, keyspaces: [{ ...keyspace!, [side]: [held] }] };
    expect(judge(other)).toEqual([`keyspace profile, ${side}: a node holds [0, 1000) twice`]);
  }
});
