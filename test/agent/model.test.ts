import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { overlapOf, pieceAt } from "../../src/lib/keyspace/map.js";
import type { Segment } from "../../src/lib/keyspace/segment.js";
import { applyStep } from "../../src/lib/plan/model/apply.js";
import { assertInvariants } from "../../src/lib/plan/model/invariants.js";
import { ModelBreach, type Model } from "../../src/lib/plan/model/state.js";
import type { ShardStep } from "../../src/lib/plan/types.js";
import { Random } from "../faults/random.js";
import { type Ask, decimal, type Nodes, startNodes, type TestNode } from "./nodes.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";

const NAMES = ["a", "b", "c"];
const EDGES = [0n, 200n, 400n, 600n, 800n, 1000n];
const KINDS = ["link", "sync", "verify", "repoint", "takeover", "drop"] as const;
/** Of one kind, before another is chosen. */
const TRIES = 300;
/** Steps that the model takes, in one keyspace. */
const STEPS = 60;
const SEEDS = [1, 2, 3, 4];

let nodes: Nodes;
beforeAll(async () => {
  nodes = await startNodes(...NAMES);
}, 120_000);
afterAll(async () => nodes.stop());

describe("whatever the model lets a plan do, agents do", { timeout: 600_000 }, () => {
  const done = new Map<string, number>();

  test.each(SEEDS)("seed %i", async (seed) => {
    const random = new Random(seed);
    const keyspace = `k${seed}`;
    let model: Model = new Map([
      [keyspace, { domain: null, settings: DEFAULT_SETTINGS, copies: new Map(), routes: [] }],
    ]);
    const on = { id: "s1", keyspace, segments: [WHOLE], node: random.of(NAMES) };
    let step: ShardStep = { ...on, kind: "init", shard: "s" };
    for (let taken = 0; taken < STEPS; taken += 1) {
      model = taking(model, step)!;
      const said = `step ${taken + 1}, ${JSON.stringify(step, decimal)}`;
      await expect(perform(step), said).resolves.toBeUndefined();
      done.set(step.kind, (done.get(step.kind) ?? 0) + 1);
      await write(model, keyspace, random);
      step = next(model, random, keyspace);
    }
  });

  test("and that was something", () => {
    for (const kind of KINDS) expect.soft(done.get(kind), kind).toBeGreaterThan(STEPS / 4);
  });
});

/** A step that the model takes. */
function next(model: Model, random: Random, keyspace: string): ShardStep {
  for (;;) {
    const kind = random.of(KINDS);
    for (let left = TRIES; left > 0; left -= 1) {
      const step = stepOf(kind, random, keyspace);
      if (taking(model, step) !== null) return step;
    }
  }
}

const WHOLE: Segment = { lo: EDGES[0]!, hi: EDGES.at(-1)! };

/** Anything that a plan could say, mostly nonsense. */
function stepOf(kind: (typeof KINDS)[number], random: Random, keyspace: string): ShardStep {
  const segments = someSegments(random);
  const [node, source] = [random.of(NAMES), random.of(NAMES)];
  const on = { id: "s1", keyspace, segments, node };
  switch (kind) {
    case "link":
      return { ...on, kind, source, purpose: "replica", bytes: 0n, bytesPerSecond: null };
    case "sync":
      return { ...on, kind, maxLagMs: 5_000 };
    case "verify":
      return { ...on, kind };
    case "repoint":
      return { ...on, kind, source };
    case "takeover":
      return { ...on, kind, from: source, shard: "s", shardBefore: "s", budgetMs: 20_000 };
    case "drop":
      return { ...on, kind };
  }
}

/** One, or two with something between them. */
function someSegments(random: Random): Segment[] {
  const edges = EDGES.map((edge) => ({ edge, order: random.next() }))
    .toSorted((a, b) => a.order - b.order)
    .slice(0, random.below(3) === 0 ? 4 : 2)
    .map(({ edge }) => edge)
    .toSorted((a, b) => Number(a - b));
  return [0, 2].flatMap((i) =>
    i + 1 < edges.length ? [{ lo: edges[i]!, hi: edges[i + 1]! }] : [],
  );
}

/** Null when the model does not take it. */
function taking(model: Model, step: ShardStep): Model | null {
  try {
    const next = applyStep(model, step);
    assertInvariants(next);
    return next;
  } catch (error) {
    if (error instanceof ModelBreach) return null;
    throw error;
  }
}

/** As a run asks for it. */
async function perform(step: ShardStep): Promise<void> {
  if (!("node" in step) || !("segments" in step)) return;
  const { keyspace, segments, kind } = step;
  const node = nodes.of(step.node);
  const ask = async (request: Ask) => void (await node.must({ ...request, keyspace }));
  const [first, ...also] = segments;
  const all = { ...first!, also };
  switch (kind) {
    case "init":
      return ask({ kind, ...all, sharding: "range" });
    case "link": {
      const { purpose, bytesPerSecond } = step;
      const source = nodes.of(step.source).ref;
      const link = randomUUID();
      return ask({ kind, ...all, sharding: "range", link, source, purpose, bytesPerSecond });
    }
    case "sync":
      return ask({ kind, ...all, maxLagMs: step.maxLagMs });
    case "verify":
      return ask({ kind, ...all });
    case "repoint":
      return ask({ kind, ...all, source: nodes.of(step.source).ref });
    case "takeover":
      for (const { lo, hi, generation } of await parts(nodes.of(step.from), keyspace, segments)) {
        const next = generation + 1n;
        await ask({ kind, lo, hi, generation: next, budgetMs: step.budgetMs });
      }
      return;
    case "drop": {
      const held = await parts(node, keyspace, segments);
      const [one, ...others] = held.map(({ lo, hi, link, generation }) => ({
        lo,
        hi,
        link: link?.id ?? null,
        generation,
      }));
      return ask({ kind, ...one!, also: others });
    }
    case "discard":
      throw new Error("the routes of this test never say that it may");
  }
}

/** What the node holds of the segments. */
async function parts(node: TestNode, keyspace: string, segments: readonly Segment[]) {
  return (await node.entries(keyspace)).flatMap((entry) =>
    segments.flatMap((segment) => {
      const part = overlapOf(entry, segment);
      return part === null ? [] : [{ ...entry, ...part }];
    }),
  );
}

/** Somewhere, at whom the model says is its primary. */
async function write(model: Model, keyspace: string, random: Random): Promise<void> {
  const uid = BigInt(random.below(Number(WHOLE.hi)));
  const holds = (name: string) =>
    pieceAt(model.get(keyspace)!.copies.get(name) ?? [], uid)?.value.role === "primary";
  const primary = nodes.of(NAMES.find(holds)!);
  const answer = await primary.data(`${uid}/row`, { method: "PUT", body: "v" }, keyspace);
  if (answer.status !== 204) throw new Error(`PUT ${uid} at ${primary.name}: ${answer.status}`);
}
