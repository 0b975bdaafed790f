import { holdersOf } from "../holdings.js";
import type { ShardStep } from "../types.js";
import { placedSteps, type Check } from "./finding.js";

/** Every node that is named has an address in the plan. */
export const knownNodes: Check = {
  rule: "known-nodes",
  find(plan) {
    const unknown = (node: string) => !Object.hasOwn(plan.nodes, node);
    const inSteps = placedSteps(plan).flatMap(({ step }) =>
      nodesOf(step)
        .filter(unknown)
        .map((node) => ({
          message: `node ${node} is not among the nodes of the plan`,
          step: step.id,
        })),
    );
    const holders = plan.keyspaces.flatMap(holdersOf);
    const inHoldings = [...new Set(holders)].filter(unknown).map((node) => ({
      message: `holder ${node} is not among the nodes of the plan`,
      step: null,
    }));
    return [...inSteps, ...inHoldings];
  },
};

function nodesOf(step: ShardStep): string[] {
  const nodes: string[] = [];
  if ("node" in step) nodes.push(step.node);
  if ("source" in step && step.source !== undefined) nodes.push(step.source);
  if (step.kind === "takeover") nodes.push(step.from);
  if (step.kind === "readers")
    nodes.push(...[...step.before, ...step.after].map((reader) => reader.node));
  return nodes;
}
