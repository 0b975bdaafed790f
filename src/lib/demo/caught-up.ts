import { setTimeout as sleep } from "node:timers/promises";
import { AgentClient } from "../agent/client/client.js";
import type { EntryStatus, NodeStatus } from "../agent/protocol/node.js";
import { EXIT, OpsError } from "../errors.js";
import { durationText } from "../figures.js";

/** Also on a machine that is busy with much else. */
const WITHIN_MS = 60_000;
const MOST_TOLD = 5;

/**
 * What the nodes say once every copy of the keyspace has all that was written before this was called: each lags less than the time
 * since. Throws OpsError `demo-behind`, which says of some that do not what is known of them.
 */
export async function caughtUp(urls: readonly string[], keyspace: string): Promise<NodeStatus[]> {
  const start = performance.now();
  const agents = urls.map((url) => new AgentClient(url));
  try {
    for (;;) {
      const waited = performance.now() - start;
      const nodes = await Promise.all(agents.map((agent) => agent.node()));
      const behind = nodes.flatMap(({ node, entries }) =>
        entries
          .filter((entry) => entry.keyspace === keyspace && !hasAllBefore(entry, waited))
          .map((entry) => `${node} ${standing(entry)}`),
      );
      if (behind.length === 0) return nodes;
      if (waited > WITHIN_MS) {
        const told = behind.slice(0, MOST_TOLD).join("; ");
        const message = `${behind.length} copies of ${keyspace} do not catch up with their writers within ${durationText(WITHIN_MS)}: ${told}`;
        throw new OpsError("demo-behind", EXIT.failure, message);
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

function standing({ lo, hi, role, source, cursor, link }: EntryStatus): string {
  const at = `[${lo}, ${hi}) at ${cursor.generation}.${cursor.index}`;
  if (link === null) return `${at}: ${role}`;
  const { phase, lagMs, error } = link;
  const lag = lagMs === null ? "unknown" : durationText(lagMs);
  const why = error === null ? "" : `, ${error}`;
  return `${at}: ${role} of ${source?.node ?? "nobody"}, ${phase}, lag ${lag}${why}`;
}
