import { writeFile } from "node:fs/promises";
import { assertSound } from "../../src/lib/plan/check/index.js";
import { encodePlan } from "../../src/lib/plan/encode.js";
import { sha256 } from "../../src/lib/plan/hash.js";
import { planShards } from "../../src/lib/plan/planner.js";
import { observe } from "../../src/lib/run/observe.js";
import { loadTarget } from "../../src/lib/topology/load.js";

/** What `ops shard plan -t FILE -o OUT` does, without its process: for tests of what becomes of the plan. */
export async function makePlan(file: string, out: string): Promise<void> {
  const { topology, text } = await loadTarget(file);
  const plan = planShards({
    topology,
    observed: await observe(topology),
    createdAt: new Date().toISOString(),
    topologyHash: sha256(text),
  });
  assertSound(plan);
  await writeFile(out, encodePlan(plan));
}
