import type { EntryStatus, NodeStatus } from "../agent/protocol/node.js";
import { EXIT, OpsError } from "../errors.js";
import { overlapOf, subtract, touching } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import type { Bucket, Observed, ObservedEntry, ObservedKeyspace } from "../plan/observed.js";
import type { RouteTable } from "../routing/table.js";
import type { Layer, Topology } from "../topology/types.js";
import { type Agents, type Connect, connectAgents } from "./agents.js";
import { asProblem } from "./failure.js";

export interface ObserveOptions {
  readonly connect?: Connect;
  /** Also ask the primaries how much they hold, in this many buckets for each entry; 0 for not at all. */
  readonly buckets?: number;
}

/** Buckets for each entry: enough to cut a segment in half within 1 %. */
export const BUCKETS = 128;

/**
 * Asks every data node of the topology what it holds. Nodes that do not answer are named in the result.
 * @throws OpsError `unreachable` (exit 9) when one answers first and then not any more
 */
export async function observe(topology: Topology, options: ObserveOptions = {}): Promise<Observed> {
  const agents = await (options.connect ?? connectAgents)(dataAgents(topology));
  try {
    return await observeAgents(agents, options.buckets ?? BUCKETS);
  } finally {
    await agents.close();
  }
}

/** The URLs of the topology's data nodes. */
export function dataAgents(topology: Topology): Record<string, { readonly url: string }> {
  return agentsOf(topology, "data");
}

/** The URLs of the topology's access nodes that have an agent. */
export function accessAgents(topology: Topology): Record<string, { readonly url: string }> {
  return agentsOf(topology, "access");
}

function agentsOf(topology: Topology, of: Layer): Record<string, { readonly url: string }> {
  return Object.fromEntries(
    topology.nodes.flatMap(({ id, layer, agent }) =>
      layer === of && agent !== null ? [[id, { url: agent }]] : [],
    ),
  );
}

/** What the agents say that they hold. `buckets` 0: without sizes. */
export async function observeAgents(agents: Agents, buckets: number): Promise<Observed> {
  return observedIn(await surveyAgents(agents), agents, buckets);
}

/** What one agent says of its node, and the routes that it has. */
export interface Answer {
  readonly node: string;
  readonly url: string;
  readonly status: NodeStatus;
  readonly tables: readonly RouteTable[];
}

export interface Survey {
  /** By node. */
  readonly answers: readonly Answer[];
  readonly unreachable: Observed["unreachable"];
}

export async function surveyAgents(agents: Agents): Promise<Survey> {
  const unreachable: { node: string; why: string }[] = [];
  const answers: Answer[] = [];
  await Promise.all(
    agents.nodes.map(async (node) => {
      try {
        const agent = agents.of(node);
        const [status, { tables }] = await Promise.all([agent.node(), agent.routes()]);
        answers.push({ node, url: agents.urlOf(node), status, tables });
      } catch (error) {
        unreachable.push({ node, why: asProblem(error).message });
      }
    }),
  );
  const byNode = (a: { readonly node: string }, b: { readonly node: string }) =>
    a.node < b.node ? -1 : 1;
  return { answers: answers.toSorted(byNode), unreachable: unreachable.toSorted(byNode) };
}

/** The newest of these tables of every keyspace. */
export function newestTables(tables: readonly RouteTable[]): Map<string, RouteTable> {
  const newest = new Map<string, RouteTable>();
  for (const table of tables) {
    const known = newest.get(table.keyspace);
    if (known === undefined || known.version < table.version) newest.set(table.keyspace, table);
  }
  return newest;
}

/** What was heard, as the planner wants it. */
export async function observedIn(
  { answers, unreachable }: Survey,
  agents: Agents,
  buckets: number,
): Promise<Observed> {
  const tables = newestTables(answers.flatMap((answer) => answer.tables));
  const ids = new Set(
    answers.flatMap(({ status }) => status.entries.map(({ keyspace }) => keyspace)),
  );
  const keyspaces = await Promise.all(
    [...ids].sort().map(async (id): Promise<ObservedKeyspace> => {
      const table = tables.get(id) ?? null;
      const held = answers.flatMap(({ node, status }) =>
        status.entries
          .filter(({ keyspace }) => keyspace === id)
          .flatMap((entry) => partsOf(node, entry, table)),
      );
      const measured = await Promise.all(held.map((entry) => measure(agents, id, entry, buckets)));
      const entries = measured
        .map(({ entry }) => entry)
        .toSorted((a, b) => byPlace(a.segment, b.segment) || (a.node < b.node ? -1 : 1));
      const histogram = measured.flatMap((one) => one.buckets).toSorted(byPlace);
      return {
        id,
        routes:
          table === null
            ? null
            : {
                sharding: table.sharding,
                domain: table.domain,
                withdrawn: table.withdrawn === true,
                settings: table.settings,
              },
        entries,
        ...(buckets > 0 ? { histogram } : {}),
      };
    }),
  );
  return { keyspaces, unreachable, basis: buckets > 0 ? "measured" : "unknown" };
}

/** An entry as the planner wants it; a primary's cut where the routes give its parts to different shards. */
function partsOf(node: string, entry: EntryStatus, table: RouteTable | null): ObservedEntry[] {
  const { role, generation } = entry;
  const whole = {
    node,
    role,
    generation,
    source: entry.source?.node ?? null,
    streaming: role === "primary" || (entry.readable && entry.link?.phase === "streaming"),
  };
  const segment = { lo: entry.lo, hi: entry.hi };
  if (role !== "primary" || table === null) return [{ ...whole, segment, shard: null }];
  const routed = touching(table.segments, segment).flatMap((route) => {
    const part = overlapOf(route, segment);
    return part === null ? [] : [{ ...whole, segment: part, shard: route.shard }];
  });
  const unrouted = subtract(
    [segment],
    routed.map((part) => part.segment),
  );
  return [...routed, ...unrouted.map((part) => ({ ...whole, segment: part, shard: null }))];
}

async function measure(
  agents: Agents,
  keyspace: string,
  entry: ObservedEntry,
  buckets: number,
): Promise<{ entry: ObservedEntry; buckets: Bucket[] }> {
  if (entry.role !== "primary" || buckets === 0) return { entry, buckets: [] };
  const { lo, hi } = entry.segment;
  const answer = await agents
    .of(entry.node)
    .histogram(keyspace, lo, hi, buckets)
    .catch((error: unknown) => {
      const { message } = asProblem(error);
      throw new OpsError(
        "unreachable",
        EXIT.unreachable,
        `${entry.node} did not say how much of ${keyspace} it holds: ${message}`,
        {
          hint: "try again",
          cause: error,
        },
      );
    });
  const sized = answer.buckets.map((bucket, i) => ({
    lo: bucket.lo,
    hi: answer.buckets[i + 1]?.lo ?? hi,
    rows: BigInt(bucket.rows),
    bytes: BigInt(bucket.bytes),
  }));
  return {
    entry: { ...entry, rows: BigInt(answer.rows), bytes: BigInt(answer.bytes) },
    buckets: sized.filter(
      (bucket) => bucket.lo < bucket.hi && (bucket.rows > 0n || bucket.bytes > 0n),
    ),
  };
}

function byPlace(a: Segment, b: Segment): number {
  return a.lo < b.lo ? -1 : a.lo > b.lo ? 1 : 0;
}
