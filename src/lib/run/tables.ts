import type { NodeStatus } from "../agent/protocol/node.js";
import { EXIT, OpsError } from "../errors.js";
import type { RouteTable } from "../routing/table.js";
import type { StateStore } from "../state/contract.js";
import { connectAgents } from "./agents.js";
import { asProblem } from "./failure.js";
import type { RunStatus } from "./journal/status.js";
import { readTable } from "./publish-routes.js";
import { allRuns } from "./runs.js";

/** The last published table of every keyspace. */
export async function storedTables(store: StateStore): Promise<RouteTable[]> {
  const keyspaces = await store.routedKeyspaces();
  const tables = await Promise.all(keyspaces.map((keyspace) => readTable(store, keyspace)));
  return tables.filter((table) => table !== null);
}

/** Throws `no-routes` (exit 64) for a keyspace that was never published, `half-adopted` where that had begun with an adoption. */
export async function storedTable(store: StateStore, keyspace: string): Promise<RouteTable> {
  const table = await readTable(store, keyspace);
  if (table !== null) return table;
  const known = await store.routedKeyspaces();
  const adoption = (await allRuns(store)).runs.findLast(
    ({ hasAdopted, epochs }) => hasAdopted && Object.hasOwn(epochs, `keyspace/${keyspace}`),
  );
  if (adoption !== undefined) throw halfAdopted(keyspace, adoption);
  throw new OpsError(
    "no-routes",
    EXIT.usage,
    `no routes of keyspace ${keyspace} have been published from ${store.where}`,
    {
      hint:
        known.length === 0
          ? "apply a plan first, or name another state directory (--state)"
          : `known are ${known.join(", ")}`,
    },
  );
}

/** Some of the agents may obey this state directory, and others the one before. */
function halfAdopted(keyspace: string, { run, activity }: RunStatus): OpsError {
  const [how, hint] =
    activity === "ended"
      ? ["was taken back before that", "run ops agent adopt again"]
      : ["has not ended", `ops run resume ${run}; or take it back and run ops agent adopt again`];
  const message = `the routes of keyspace ${keyspace} have not been taken over: run ${run}, which takes agents over, ${how}`;
  return new OpsError("half-adopted", EXIT.usage, message, { hint });
}

/** The tables that a node has, asked at the URL at which the published ones know it. */
export async function nodeTables(
  stored: readonly RouteTable[],
  node: string,
): Promise<RouteTable[]> {
  const found = stored
    .map(({ nodes }) => (Object.hasOwn(nodes, node) ? nodes[node] : undefined))
    .find((known) => known !== undefined);
  if (found === undefined) {
    throw new OpsError(
      "no-such-node",
      EXIT.usage,
      `the published routes do not name a node ${node}`,
      { hint: "ops route show" },
    );
  }
  const agents = await connectAgents({ [node]: found });
  try {
    return [...(await agents.of(node).routes()).tables];
  } catch (error) {
    throw new OpsError(
      "unreachable",
      EXIT.unreachable,
      `${node} does not answer: ${asProblem(error).message}`,
      { cause: error },
    );
  } finally {
    await agents.close();
  }
}

/** What one agent said, or why it did not. */
export type AgentAnswer = { readonly node: string; readonly url: string } & (
  | { readonly status: NodeStatus; readonly why: null }
  | { readonly status: null; readonly why: string }
);

/** Asks agents for their state, all at once. */
export async function askAgents(
  urls: Readonly<Record<string, { readonly url: string }>>,
): Promise<AgentAnswer[]> {
  const agents = await connectAgents(urls);
  try {
    return await Promise.all(
      agents.nodes.map(async (node) => {
        const url = agents.urlOf(node);
        try {
          return { node, url, status: await agents.of(node).node(), why: null };
        } catch (error) {
          return { node, url, status: null, why: asProblem(error).message };
        }
      }),
    );
  } finally {
    await agents.close();
  }
}
