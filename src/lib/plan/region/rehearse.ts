import type { Topology } from "../../topology/types.js";
import { assertSound } from "../check/index.js";
import { differences } from "../model/invariants.js";
import { ModelBreach, modelOf } from "../model/state.js";
import { runPlan, undoRun } from "../model/run.js";
import { type Observed, observedFromTopology } from "../observed.js";
import type { PlanRequest } from "../planner.js";
import type { ShardPlan } from "../types.js";
import { type WritersPlan, planComingHome, planLeaving } from "../writers.js";

type Rehearsing = Omit<PlanRequest, "observed">;

/**
 * The writes of a region leave it as they would if everything were as the file says: planned as on live agents, run on the model
 * to the end, and taken back. Throws ModelBreach where a step does what no plan may do.
 */
export function rehearseLeaving(request: Rehearsing, region: string): WritersPlan {
  const found = planLeaving(
    { ...request, observed: observedFromTopology(request.topology) },
    region,
  );
  return rehearsed(found);
}

/** And come home from where they went. Throws ModelBreach. */
export function rehearseComingHome(request: Rehearsing, region: string): WritersPlan {
  const { plan } = rehearseLeaving(request, region);
  if (plan === null) return { plan: null, stays: [] };
  const observed = observedAfter(request.topology, plan);
  return rehearsed(planComingHome({ ...request, observed }, region));
}

function rehearsed(found: WritersPlan): WritersPlan {
  const { plan } = found;
  if (plan === null) return found;
  assertSound(plan);
  const off = differences(undoRun(runPlan(plan)), modelOf(plan.keyspaces, "before"));
  if (off.length > 0)
    throw new ModelBreach(`taken back it does not end where it began: ${off.join("; ")}`);
  return found;
}

/** As agents would say it once a plan that moves writes was applied. */
export function observedAfter(topology: Topology, plan: ShardPlan): Observed {
  const keyspaces = topology.keyspaces.map((keyspace) => {
    const planned = plan.keyspaces.find(({ id }) => id === keyspace.id);
    if (planned === undefined) return keyspace;
    const shards = planned.after.map(({ lo, hi, shard, primary, replicas }) => ({
      id: shard,
      segments: [{ lo, hi }],
      primary,
      replicas,
    }));
    return { ...keyspace, shards };
  });
  return observedFromTopology({ ...topology, keyspaces });
}
