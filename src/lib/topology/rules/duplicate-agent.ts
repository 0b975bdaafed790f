import type { Rule } from "./rule.js";

/** An agent speaks for one node. */
export const duplicateAgent: Rule = {
  id: "duplicate-agent",
  severity: "error",
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
