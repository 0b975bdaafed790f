import { EXIT, OpsError } from "../errors.js";
import { caughtUp } from "./caught-up.js";
import type { Ledger } from "./ledger.js";
import type { People } from "./people.js";
import { readBack, type Readback } from "./readback.js";

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
