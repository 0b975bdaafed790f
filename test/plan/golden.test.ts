import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodePlan } from "../../src/lib/plan/encode.js";
import { observedFromTopology, type Observed } from "../../src/lib/plan/observed.js";
import { planShards } from "../../src/lib/plan/planner.js";
import { planText } from "../../src/lib/report/plan.js";
import { loadTopology } from "../../src/lib/topology/load.js";

const CASES = join(import.meta.dirname, "../../fixtures/plans");
const EMPTY: Observed = { keyspaces: [], unreachable: [], basis: "unknown" };

test.each(readdirSync(CASES))("the plan of %s is as written down", async (name) => {
  const folder = join(CASES, name);
  const before = join(folder, "before.yaml");
  const plan = planShards({
    topology: (await loadTopology(join(folder, "after.yaml"))).topology,
    observed: existsSync(before)
      ? observedFromTopology((await loadTopology(before)).topology)
      : EMPTY,
    createdAt: "2026-01-01T00:00:00.000Z",
    topologyHash: "0".repeat(64),
  });
  const text = planText(plan, { width: 80 });
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  await expect(`${text}\n`).toMatchFileSnapshot(join(folder, "expected.txt"));
  await expect(encodePlan(plan)).toMatchFileSnapshot(join(folder, "expected.json"));
});
