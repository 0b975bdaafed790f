import { setTimeout as sleep } from "node:timers/promises";
import type { EntryStatus, NodeStatus } from "../agent/protocol/node.js";
import { AgentClient } from "../agent/client/client.js";
import { EXIT, OpsError } from "../errors.js";
import type { Ledger } from "./ledger.js";
import type { People } from "./people.js";
import { readBack, type Readback } from "./readback.js";

const CAUGHT_UP_WITHIN_MS = 15_000;

export interface FinalCheck {
  readonly writers: readonly Readback[];
  readonly replicas: readonly Readback[];
  readonly convergence: {
    readonly agents: number;
    readonly current: number;
    readonly version: number;
  };
}

/**
 * Reads back every key at its writer and at every copy of it, once all copies have everything that was written before now.
 * Nobody may write any more. Throws OpsError `demo-coverage` when the writers do not cover the people exactly once.
 */
export async function finalCheck(
  urls: readonly string[],
  keyspace: string,
  people: People,
  ledger: Ledger,
): Promise<FinalCheck> {
  const nodes = await caughtUp(urls, keyspace);
  const entries = nodes.flatMap((node) =>
    node.entries.filter((entry) => entry.keyspace === keyspace).map((entry) => ({ node, entry })),
  );
  const writers: Readback[] = [];
  const replicas: Readback[] = [];
  for (const { node, entry } of entries) {
    const result = await readBack(node.url, keyspace, entry, people, ledger);
    (entry.role === "primary" ? writers : replicas).push(result);
  }
  const covered = writers.reduce((sum, { keys }) => sum + keys, 0);
  if (covered !== people.slots) {
    throw new OpsError(
      "demo-coverage",
      EXIT.failure,
      `the writers hold ${covered} of ${people.slots} keys`,
    );
  }
  const versions = nodes.map(({ routes }) => routes[keyspace] ?? 0);
  const version = Math.max(...versions);
  const current = versions.filter((one) => one === version).length;
  return { writers, replicas, convergence: { agents: nodes.length, current, version } };
}

/** What the nodes say once every copy lags less than the time since this was called. */
async function caughtUp(urls: readonly string[], keyspace: string): Promise<NodeStatus[]> {
  const start = performance.now();
  const agents = urls.map((url) => new AgentClient(url));
  try {
    for (;;) {
      const waited = performance.now() - start;
      const nodes = await Promise.all(agents.map((agent) => agent.node()));
      const behind = nodes.flatMap(({ node, entries }) =>
        entries
          .filter((entry) => entry.keyspace === keyspace && !hasAllBefore(entry, waited))
          .map(() => node),
      );
      if (behind.length === 0) return nodes;
      if (waited > CAUGHT_UP_WITHIN_MS) {
        const who = [...new Set(behind)].join(", ");
        throw new OpsError(
          "demo-behind",
          EXIT.failure,
          `these nodes do not catch up with their writers: ${who}`,
        );
      }
      await sleep(100);
    }
  } finally {
    await Promise.all(agents.map((agent) => agent.close()));
  }
}

function hasAllBefore({ role, readable, link }: EntryStatus, ms: number): boolean {
  if (role === "primary") return true;
  return (
    role === "follower" &&
    readable &&
    link?.phase === "streaming" &&
    link.lagMs !== null &&
    link.lagMs + link.heldMs < ms
  );
}
