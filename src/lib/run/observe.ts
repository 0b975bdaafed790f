import type { EntryStatus, NodeStatus } from "../agent/protocol/node.js";
import { EXIT, OpsError } from "../errors.js";
import { overlapOf, subtract } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import type { Bucket, Observed, ObservedEntry, ObservedKeyspace } from "../plan/observed.js";
import type { RouteTable } from "../routing/table.js";
import type { Topology } from "../topology/types.js";
import { type Agents, type Connect, connectAgents } from "./agents.js";
import { asProblem } from "./failure.js";

export interface ObserveOptions {
  readonly connect?: Connect;
  /** Also ask the primaries how much they hold, in this many buckets for each entry; 0 for not at all. */
  readonly buckets?: number;
}

/** Buckets for each entry: enough to cut a segment in half within 1 %. */
const BUCKETS = 128;

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
  return Object.fromEntries(
    topology.nodes.flatMap(({ id, layer, agent }) =>
      layer === "data" && agent !== null ? [[id, { url: agent }]] : [],
    ),
  );
}

/** What the agents say that they hold. `buckets` 0: without sizes. */
export async function observeAgents(agents: Agents, buckets: number): Promise<Observed> {
  const unreachable: { node: string; why: string }[] = [];
  const nodes: { status: NodeStatus; name: string }[] = [];
  const tables = new Map<string, RouteTable>();
  await Promise.all(
    agents.nodes.map(async (name) => {
      try {
        const [status, routes] = await Promise.all([
          agents.of(name).node(),
          agents.of(name).routes(),
        ]);
        nodes.push({ status, name });
        for (const table of routes.tables) {
          const known = tables.get(table.keyspace);
          if (known === undefined || known.version < table.version)
            tables.set(table.keyspace, table);
        }
      } catch (error) {
        unreachable.push({ node: name, why: asProblem(error).message });
      }
    }),
  );
  const ids = new Set(
    nodes.flatMap(({ status }) => status.entries.map(({ keyspace }) => keyspace)),
  );
  const keyspaces = await Promise.all(
    [...ids].sort().map(async (id): Promise<ObservedKeyspace> => {
      const table = tables.get(id) ?? null;
      const held = nodes.flatMap(({ name, status }) =>
        status.entries
          .filter(({ keyspace }) => keyspace === id)
          .flatMap((entry) => partsOf(name, entry, table)),
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
              },
        entries,
        ...(buckets > 0 ? { histogram } : {}),
      };
    }),
  );
  unreachable.sort((a, b) => (a.node < b.node ? -1 : 1));
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
  const routed = table.segments.flatMap((route) => {
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
