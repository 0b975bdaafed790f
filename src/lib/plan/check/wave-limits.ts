import type { RouteNode } from "../../routing/table.js";
import type { LinkStep, ShardPlan } from "../types.js";
import { lineBetween } from "../waves/copies.js";
import { copiesSomething } from "./copied.js";
import type { Check } from "./finding.js";

/** No wave makes more copies at once than the policy allows, nor together faster than the lines between regions allow. */
export const waveLimits: Check = {
  rule: "wave-limits",
  find(plan) {
    const isCopy = copiesSomething(plan);
    const nodes = new Map(Object.entries(plan.nodes));
    return plan.stages.flatMap((stage) =>
      stage.waves.flatMap((wave, i) => {
        const links = wave.filter(isCopy);
        return [...tooMany(links, plan), ...tooFast(links, plan, nodes)].map((message) => ({
          message: `stage ${stage.id}, wave ${i + 1}: ${message}`,
          step: null,
        }));
      }),
    );
  },
};

function tooMany(links: readonly LinkStep[], { limits }: ShardPlan): string[] {
  const touched = new Map<string, number>();
  for (const node of links.flatMap((link) => [link.node, link.source]))
    touched.set(node, (touched.get(node) ?? 0) + 1);
  const busy = [...touched]
    .filter(([, copies]) => copies > limits.perNode)
    .map(([node, copies]) => `${copies} copies touch ${node}, the limit is ${limits.perNode}`);
  return links.length > limits.total
    ? [...busy, `${links.length} copies, the limit is ${limits.total}`]
    : busy;
}

function tooFast(
  links: readonly LinkStep[],
  { limits }: ShardPlan,
  nodes: ReadonlyMap<string, RouteNode>,
): string[] {
  const rates = new Map<string, number>();
  for (const link of links) {
    const line = lineBetween(link, nodes);
    if (line !== null) rates.set(line, (rates.get(line) ?? 0) + (link.bytesPerSecond ?? Infinity));
  }
  return Object.entries(limits.lines ?? {})
    .filter(([line, room]) => (rates.get(line) ?? 0) > room)
    .map(([line, room]) => {
      const rate = rates.get(line)!;
      const text = Number.isFinite(rate) ? `${rate} bytes/s` : "without a limit";
      return `copies over ${line} go at ${text}, the limit is ${room}`;
    });
}
