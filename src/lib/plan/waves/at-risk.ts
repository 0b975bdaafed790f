import { touching } from "../../keyspace/map.js";
import type { StepDraft } from "../draft.js";
import type { Holding, PlanKeyspace } from "../types.js";
import { NO_RISKS, risksAt, type Risks } from "./risks.js";

/**
 * The nodes that a step puts at risk: both ends of a copy, of a comparison and of a takeover, what gets more reads, what drops
 * a copy. What watches, waits, or deletes what nobody uses any more puts nothing at risk.
 */
function nodesAtRisk(step: StepDraft): readonly string[] {
  switch (step.kind) {
    case "link":
      return [step.source, step.node];
    case "takeover":
      return [step.from, step.node];
    case "verify":
      return step.source === undefined ? [step.node] : [step.source, step.node];
    case "drop":
      return [step.node];
    case "readers": {
      const weights = new Map(step.before.map(({ node, weight }) => [node, weight]));
      return step.after.flatMap(({ node, weight }) =>
        weight > (weights.get(node) ?? 0) ? [node] : [],
      );
    }
    default:
      return [];
  }
}

/** Tells what each step puts at risk: of the shards that its segments belong to before the plan, and after it. */
export function risksOfSteps(
  keyspaces: readonly PlanKeyspace[],
  placeOf: (node: string) => { readonly region: string; readonly set: string } | undefined,
): (step: StepDraft) => Risks {
  const byId = new Map(keyspaces.map((keyspace) => [keyspace.id, keyspace]));
  return (step) => {
    const nodes = nodesAtRisk(step);
    if (nodes.length === 0 || !("segments" in step)) return NO_RISKS;
    const { before = [], after = [] } = byId.get(step.keyspace) ?? {};
    const shardsIn = (holdings: readonly Holding[]) =>
      step.segments.flatMap((segment) =>
        touching(holdings, segment).map(({ shard }) => `${step.keyspace}/${shard}`),
      );
    const was = shardsIn(before);
    // What is being created has no users yet.
    if (was.length === 0) return NO_RISKS;
    return risksAt(nodes, new Set([...was, ...shardsIn(after)]), placeOf);
  };
}
