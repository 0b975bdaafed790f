import { type Agent, type Connect, connectAgents } from "../../src/lib/run/agents.js";
import { PATIENCE, type Patience, systemClock } from "../../src/lib/run/clock.js";
import type { RunEnvironment } from "../../src/lib/run/session.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import type { Expansion } from "./expansion.js";

/** Some methods of the agent of a node, answered differently. */
export type Otherwise = Readonly<Record<string, (agent: Agent) => Partial<Agent>>>;

/** What the commands work with, against the live agents. */
export function environmentOf(
  expansion: Expansion,
  otherwise: Otherwise,
  patience: Partial<Patience> = {},
): RunEnvironment {
  const never = new AbortController().signal;
  const connect: Connect = async (nodes) => {
    const agents = await connectAgents(nodes);
    const of = (node: string): Agent => {
      const agent = agents.of(node);
      const other = otherwise[node]?.(agent);
      if (other === undefined) return agent;
      return new Proxy(agent, {
        get(target, name) {
          const value: unknown = Reflect.get(name in other ? other : target, name);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
    };
    return { ...agents, of };
  };
  return {
    store: new FileStateStore(expansion.state),
    connect,
    clock: systemClock,
    patience: { ...PATIENCE, ...patience },
    stop: { stopping: never, detached: never },
    emit: () => undefined,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    actor: "test@host",
    command: "test",
  };
}
