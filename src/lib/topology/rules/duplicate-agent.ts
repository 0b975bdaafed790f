import type { StructureRule } from "./rule.js";

export const duplicateAgent: StructureRule = {
  id: "duplicate-agent",
  severity: "error",
  adjustable: false,
  checks: "An agent speaks for one node: no two nodes have the same URL.",
  why: "What is asked of one node would be done by another.",
  mend: "Give every node an agent of its own.",
  example: `n1: { agent: "http://10.0.0.1:7400", ... }
n2: { agent: "http://10.0.0.1:7400/", ... }`,
  *check({ nodes }) {
    const first = new Map<string, string>();
    for (const { id, agent, path } of nodes) {
      if (agent === null || !URL.canParse(agent)) continue;
      // The parsed form: http://HOST:80 and http://host/ are the same agent.
      const url = new URL(agent).href.replace(/\/+$/, "");
      const before = first.get(url);
      if (before === undefined) first.set(url, id);
      else if (before !== id) {
        yield {
          path: [...path, "agent"],
          at: "value",
          message: `nodes ${before} and ${id} have the same agent`,
          hint: "give every node an agent of its own",
        };
      }
    }
  },
};
