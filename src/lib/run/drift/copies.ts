import { durationText, plural } from "../../figures.js";
import { overlapOf, pieceAt } from "../../keyspace/map.js";
import type { EntryStatus } from "../../agent/protocol/node.js";
import type { Keyspace } from "../../topology/types.js";
import { lastRun, mendRun, openRun } from "./mend.js";
import type { Difference, Seen } from "./types.js";

/** Copies that are not what a copy should be. One that only waits for a node that does not answer is no difference. */
export function copyDifferences(seen: Seen, keyspace: Keyspace): Difference[] {
  const { maxLagMs } = seen.topology.policy.gates;
  return copiesIn(seen, keyspace).flatMap(({ node, entry }): Difference[] => {
    const trouble = troubleOf(seen, entry, maxLagMs);
    if (trouble === null) return [];
    const { lo, hi } = entry;
    return [
      {
        about: "copy",
        keyspace: keyspace.id,
        nodes: [node],
        segments: [{ lo, hi }],
        wanted: `whole, compared, and lags less than ${durationText(maxLagMs)}`,
        live: trouble.live,
        lastRun: null,
        mend: mendCopies(seen, keyspace.id, trouble.isUnverified),
      },
    ];
  });
}

/** Copies that follow another one than the primary: as good, but they depend on it. */
export function copyNotes(seen: Seen, keyspace: Keyspace): string[] {
  const table = seen.tables.get(keyspace.id);
  const counts = new Map<string, number>();
  for (const { node, entry } of copiesIn(seen, keyspace)) {
    const writer = table === undefined ? undefined : pieceAt(table.segments, entry.lo)?.writer;
    const source = entry.source?.node;
    if (writer === undefined || source === undefined || source === writer) continue;
    const what = `${keyspace.id}: ${node} follows ${source}, not the primary ${writer}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${what}, in ${plural(count, "segment")}`);
}

function copiesIn({ answers }: Seen, { id, domain }: Keyspace) {
  return answers.flatMap(({ node, status }) =>
    status.entries
      .filter((entry) => entry.keyspace === id && entry.role === "follower")
      .filter((entry) => overlapOf(entry, domain) !== null)
      .map((entry) => ({ node, entry })),
  );
}

interface Trouble {
  readonly live: string;
  readonly isUnverified: boolean;
}

function troubleOf({ silent }: Seen, entry: EntryStatus, maxLagMs: number): Trouble | null {
  const { link, source, readable } = entry;
  const from = source === null ? "nobody" : source.node;
  if (silent.some(({ node }) => node === from)) return null;
  const is = (live: string, isUnverified = false) => ({ live, isUnverified });
  if (link === null) return is("follows nobody");
  const why = link.error === null ? "" : `: ${link.error}`;
  if (link.phase !== "streaming") return is(`${link.phase} from ${from}${why}`);
  if (!readable) return is(`follows ${from}, and is not whole yet`);
  if (link.lagMs !== null && link.lagMs > maxLagMs)
    return is(`follows ${from}, and lags more than ${durationText(maxLagMs)}`);
  if (!link.verified) return is(`follows ${from}, and was not compared with it`, true);
  return null;
}

function mendCopies(seen: Seen, keyspace: string, isUnverified: boolean): string[] {
  const open = openRun(seen, keyspace);
  if (open !== null) return mendRun(open);
  const last = lastRun(seen, keyspace);
  return isUnverified && last !== null ? [`ops shard verify ${last.status.run}`] : [];
}
