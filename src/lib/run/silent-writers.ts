import { subtract } from "../keyspace/map.js";
import type { Observed, ObservedEntry } from "../plan/observed.js";
import type { RouteTable } from "../routing/table.js";
import type { Agents } from "./agents.js";
import { newestTables, observedIn, surveyAgents } from "./observe.js";

/**
 * As `observeAgents`. Where nobody who answers is primary, and the newest routes have a node as the writer that does not answer, it is
 * taken to be the primary, with a copy that keeps up with nobody: so the rest of its keyspace can be planned for while it is away.
 */
export async function observeWithSilent(agents: Agents, buckets: number): Promise<Observed> {
  const survey = await surveyAgents(agents);
  const observed = await observedIn(survey, agents, buckets);
  const tables = newestTables(survey.answers.flatMap((answer) => answer.tables));
  const silent = observed.unreachable.map(({ node }) => node);
  return {
    ...observed,
    keyspaces: observed.keyspaces.map((keyspace) => ({
      ...keyspace,
      entries: [
        ...keyspace.entries,
        ...missingIn(tables.get(keyspace.id), keyspace.entries, silent),
      ],
    })),
  };
}

function missingIn(
  table: RouteTable | undefined,
  entries: readonly ObservedEntry[],
  silent: readonly string[],
): ObservedEntry[] {
  const primaries = entries.filter(({ role }) => role !== "follower").map(({ segment }) => segment);
  return (table?.segments ?? [])
    .filter(({ writer }) => silent.includes(writer))
    .flatMap(({ lo, hi, writer, generation, shard }) =>
      subtract([{ lo, hi }], primaries).map((segment) => ({
        node: writer,
        segment,
        role: "primary" as const,
        generation,
        shard,
        source: null,
        streaming: false,
      })),
    );
}
