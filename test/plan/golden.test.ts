import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodePlan } from "../../src/lib/plan/encode.js";
import { observedFromTopology, type Observed } from "../../src/lib/plan/observed.js";
import { planShards } from "../../src/lib/plan/planner.js";
import type { ShardPlan } from "../../src/lib/plan/types.js";
import { planText } from "../../src/lib/report/plan.js";
import { loadTopology } from "../../src/lib/topology/load.js";

const FIXTURES = join(import.meta.dirname, "../../fixtures");
const CASES = join(FIXTURES, "plans");
const EMPTY: Observed = { keyspaces: [], unreachable: [], basis: "unknown" };
/** A few screens. */
const REVIEWABLE = 200;

async function planOf(file: string, before: string | null): Promise<ShardPlan> {
  return planShards({
    topology: (await loadTopology(file)).topology,
    observed: before === null ? EMPTY : observedFromTopology((await loadTopology(before)).topology),
    createdAt: "2026-01-01T00:00:00.000Z",
    topologyHash: "0".repeat(64),
  });
}

/** The lines of a plan's text, none of them too wide. */
function linesOf(plan: ShardPlan, verbose: boolean): string[] {
  const lines = planText(plan, { width: 80, verbose }).split("\n");
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  return lines;
}

test.each(readdirSync(CASES))("the plan of %s is as written down", async (name) => {
  const folder = join(CASES, name);
  const before = join(folder, "before.yaml");
  const plan = await planOf(join(folder, "after.yaml"), existsSync(before) ? before : null);
  const lines = linesOf(plan, false);
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(join(folder, "expected.txt"));
  await expect(encodePlan(plan)).toMatchFileSnapshot(join(folder, "expected.json"));
});

test("the first plan of the full real case, with 1,285 segments of a ring, is reviewed in a few screens", async () => {
  const folder = join(FIXTURES, "topologies/qq-three-regions");
  const plan = await planOf(join(folder, "topology.yaml"), null);
  const lines = linesOf(plan, false);
  expect(lines.length).toBeLessThan(REVIEWABLE);
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(join(folder, "first-plan.txt"));
});

test.each(["split-shard", "ring-moves", "new-cluster"])(
  "with --verbose every step of %s and every segment that changes stands in a line of its own",
  async (name) => {
    const folder = join(CASES, name);
    const before = join(folder, "before.yaml");
    const plan = await planOf(join(folder, "after.yaml"), existsSync(before) ? before : null);
    const lines = linesOf(plan, true);
    const told = lines.flatMap((line) => /^ {6}(s\d+) /.exec(line)?.[1] ?? []);
    const steps = plan.stages.flatMap(({ waves }) => waves.flat());
    expect(told).toEqual(steps.map(({ id }) => id));
    const waves = plan.stages.flatMap((stage) => stage.waves);
    expect(lines.filter((line) => /^ {4}wave \d+$/.test(line))).toHaveLength(waves.length);
    expect(lines.join("\n")).not.toMatch(/more|in turn|one after the other/);
  },
);
