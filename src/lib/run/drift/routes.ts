import { type Piece, intersect, pile } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { durationText } from "../../figures.js";
import { observedKeyspace } from "../../plan/holdings.js";
import { settingsOf } from "../../plan/settings.js";
import { sameReaders } from "../../routing/change.js";
import type { Reader, RouteTable } from "../../routing/table.js";
import type { Keyspace } from "../../topology/types.js";
import { mendByAdopting, mendByPlan, openRun } from "./mend.js";
import type { Difference, Seen } from "./types.js";

/** The routes of a keyspace of the file: what they cover, whom they send clients to, and who has not got them. */
export function routeDifferences(seen: Seen, keyspace: Keyspace): Difference[] {
  const { id } = keyspace;
  const table = seen.tables.get(id);
  if (table === undefined) return strayRoutes(seen, id);
  const settings = settingsOf(keyspace, seen.topology.policy);
  const wanted = coverText({ ...keyspace, settings });
  const live = table.withdrawn ? "withdrawn" : coverText(table);
  const mends = mendByPlan(seen, id);
  // Where somebody holds it, routes can come back without a plan.
  const canReturn =
    table.withdrawn === true && observedKeyspace(seen.observed, id).entries.length > 0;
  const mend = canReturn ? [...new Set([...mends, ...mendByAdopting(seen, id)])] : mends;
  return [
    ...(wanted === live ? [] : [difference(id, { wanted, live, mend })]),
    ...strayRoutes(seen, id),
  ];
}

/** Routes that are not everywhere, or do not lead to those who hold the keyspace. */
export function strayRoutes(seen: Seen, keyspace: string): Difference[] {
  const table = seen.tables.get(keyspace) ?? null;
  if (table === null) return missing(seen, keyspace);
  return [...outdated(seen, table), ...(table.withdrawn ? [] : misled(seen, table))];
}

type Told = Pick<Difference, "wanted" | "live" | "mend"> &
  Partial<Pick<Difference, "nodes" | "segments">>;

function difference(keyspace: string, told: Told): Difference {
  return { about: "routes", keyspace, nodes: [], segments: [], lastRun: null, ...told };
}

/** Of a keyspace that is not held either, the holders say enough. */
function missing(seen: Seen, keyspace: string): Difference[] {
  if (observedKeyspace(seen.observed, keyspace).entries.length === 0) return [];
  const mend = mendByAdopting(seen, keyspace);
  return [
    difference(keyspace, {
      wanted: "routes to those who hold it",
      live: "no agent has any",
      mend,
    }),
  ];
}

function coverText({
  sharding,
  domain,
  settings: { ack, syncWindowMs },
}: Pick<RouteTable, "sharding" | "domain" | "settings">): string {
  const window = syncWindowMs === 0 ? [] : [`sync window ${durationText(syncWindowMs)}`];
  const followers = ack === "local" ? [] : [`ack ${ack}`];
  return [sharding, formatSegment(domain), ...followers, ...window].join(", ");
}

/** Who has another version than the newest. */
function outdated(seen: Seen, { keyspace, version }: RouteTable): Difference[] {
  const { answers, state } = seen;
  const told = (nodes: string[], live: string) =>
    difference(keyspace, {
      nodes,
      wanted: `version ${version}`,
      live,
      mend: mendByAdopting(seen, keyspace),
    });
  const agents = answers.flatMap(({ node, tables }) => {
    const has = tables.find((table) => table.keyspace === keyspace);
    if (has?.version === version) return [];
    return [told([node], has === undefined ? "no routes" : `version ${has.version}`)];
  });
  const stored = state?.tables.find((table) => table.keyspace === keyspace);
  if (stored === undefined || stored.version === version) return agents;
  return [...agents, told([], `version ${stored.version} in ${state!.where}`)];
}

interface Served {
  readonly writer: string;
  readonly generation: bigint;
  readonly readers: readonly Reader[];
}

/**
 * Where clients are sent elsewhere than to those who hold it, each whole copy with the full weight. A run that has not ended has
 * given its copies the weight that its stage gives them.
 */
function misled(seen: Seen, table: RouteTable): Difference[] {
  const isRunning = openRun(seen, table.keyspace) !== null;
  const isSilent = (node: string) => seen.silent.some((one) => one.node === node);
  return intersect(table.segments.map(asPiece), servers(seen, table.keyspace))
    .filter(({ value: [routed, held] }) => {
      const readers = routed.readers.filter(({ node }) => !isSilent(node));
      return (
        routed.writer !== held.writer ||
        routed.generation !== held.generation ||
        (!isRunning && !sameReaders(readers, held.readers))
      );
    })
    .map(({ lo, hi, value: [routed, held] }) =>
      difference(table.keyspace, {
        segments: [{ lo, hi }],
        wanted: servedText(held),
        live: servedText(routed),
        mend: mendByAdopting(seen, table.keyspace),
      }),
    );
}

function asPiece(segment: RouteTable["segments"][number]): Piece<Served> {
  const { lo, hi, writer, generation, readers } = segment;
  return { lo, hi, value: { writer, generation, readers } };
}

/** Where exactly one node is primary: it, and the copies that can be read. */
function servers({ answers, strangers }: Seen, keyspace: string): Piece<Served>[] {
  const entries = [...answers, ...strangers].flatMap(({ node, status }) =>
    status.entries
      .filter((entry) => entry.keyspace === keyspace)
      .map((entry) => ({ lo: entry.lo, hi: entry.hi, value: { ...entry, node } })),
  );
  return pile(entries).flatMap(({ lo, hi, value }) => {
    const [primary, ...others] = value.filter(({ role }) => role === "primary");
    if (primary === undefined || others.length > 0) return [];
    const readers = value
      .filter(({ readable }) => readable)
      .map(({ node }) => ({ node, weight: 100 }))
      .toSorted((a, b) => (a.node < b.node ? -1 : 1));
    const { node: writer, generation } = primary;
    return [{ lo, hi, value: { writer, generation, readers } }];
  });
}

function servedText({ writer, generation, readers }: Served): string {
  const reads = readers.map(({ node, weight }) => `${node} ${weight}`).join(", ");
  return `writer ${writer}, generation ${generation}, readers ${reads || "none"}`;
}
