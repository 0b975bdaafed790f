import type { Control, ControlEvent } from "../demo/control.js";
import { assertSound } from "../plan/check/index.js";
import { sha256 } from "../plan/hash.js";
import { planShards } from "../plan/planner.js";
import { applyPlan } from "../run/apply.js";
import { PATIENCE } from "../run/clock.js";
import type { RunEvent } from "../run/events.js";
import { NOTHING } from "../run/deletions.js";
import { finalizeRun } from "../run/finalize.js";
import { observe } from "../run/observe.js";
import { rollbackRun } from "../run/rollback.js";
import { verifyRun } from "../run/verify-run.js";
import { durationText } from "../figures.js";
import { parseTopology } from "../topology/parse.js";
import { demoEnvironment } from "./demo-environment.js";

/** The functions behind `shard plan|apply|verify|rollback|finalize` as a demo calls them, with their state in a folder, until `over`. */
export function demoControl(
  state: string,
  listener: (event: ControlEvent) => void,
  over: AbortSignal,
): Control {
  const env = demoEnvironment(
    state,
    PATIENCE,
    (event) => {
      const told = controlEvent(event);
      if (told !== null) listener(told);
    },
    over,
  );
  return {
    async plan(text) {
      const topology = parseTopology(text, "topology.yaml");
      const plan = planShards({
        topology,
        observed: await observe(topology),
        createdAt: new Date(env.clock.now()).toISOString(),
        topologyHash: sha256(text),
      });
      assertSound(plan);
      return {
        stages: plan.stages.map(({ id }) => id),
        steps: plan.stages.flatMap(({ waves }) => waves.flat()).length,
        apply: () => applyPlan(env, plan, { until: null }),
      };
    },
    async verify(run) {
      const copies = await verifyRun(env, run);
      for (const { node, source, difference } of copies) {
        if (difference !== null) throw new Error(`${node} differs from ${source}: ${difference}`);
      }
      return copies.reduce((sum, { rows }) => sum + (rows ?? 0), 0);
    },
    rollback: (run) => rollbackRun(env, run, { to: null }),
    finalize: (run) => finalizeRun(env, run, { early: false, deletions: NOTHING }),
  };
}

/** What an event of a run says to a demo; null for nothing. */
function controlEvent(event: RunEvent): ControlEvent | null {
  if (event.type === "stage" && event.state === "entered")
    return { type: "stage", stage: event.stage };
  if (event.type === "retry") {
    const { node, error, inMs } = event;
    return {
      type: "trouble",
      message: `${node}: ${error.message}; again in ${durationText(inMs)}`,
    };
  }
  if (event.type !== "evidence") return null;
  const { about, facts } = event;
  if (about === "sync")
    return { type: "copied", rows: Number(facts["rows"]), seconds: Number(facts["seconds"]) };
  if (about === "takeover") {
    const { plannedMs, actualMs } = facts;
    return { type: "takeover", plannedMs: Number(plannedMs), actualMs: Number(actualMs) };
  }
  return null;
}
