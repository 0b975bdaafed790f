import type { AgentClient } from "../agent/client/client.js";
import type { RouteNode } from "../routing/table.js";

/** What a run needs of an agent. Every method throws `AgentProblem`. */
export type Agent = Pick<
  AgentClient,
  | "node"
  | "operation"
  | "waitOperation"
  | "putOperation"
  | "cancelOperation"
  | "putEpoch"
  | "putLineage"
  | "putRoutes"
  | "routes"
  | "histogram"
  | "stats"
  | "reach"
  | "policy"
  | "putPolicy"
  | "access"
  | "sessions"
  | "elsewhere"
  | "quality"
>;

/** The agents of some nodes. */
export interface Agents {
  readonly nodes: readonly string[];
  /** Throws RangeError for a node that is not among them. */
  of(node: string): Agent;
  urlOf(node: string): string;
  close(): Promise<void>;
}

/** Those of these nodes only. */
export function someOf(agents: Agents, nodes: readonly string[]): Agents {
  return { ...agents, nodes: agents.nodes.filter((node) => nodes.includes(node)) };
}

export type Connect = (nodes: Readonly<Record<string, Pick<RouteNode, "url">>>) => Promise<Agents>;

/** One client for each node; nothing is sent yet. */
export const connectAgents: Connect = async (nodes) => {
  const { AgentClient } = await import("../agent/client/client.js");
  const clients = new Map(
    Object.entries(nodes).map(([node, { url }]) => [node, new AgentClient(url)]),
  );
  const find = (node: string) => {
    const client = clients.get(node);
    if (client === undefined) throw new RangeError(`no agent is known for node ${node}`);
    return client;
  };
  return {
    nodes: [...clients.keys()].sort(),
    of: find,
    urlOf: (node) => find(node).url,
    close: async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
};
