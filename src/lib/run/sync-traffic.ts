import { exceeds } from "../topology/capacity/amounts.js";
import { direction, regionsOf, syncLoad } from "../topology/capacity/link-load.js";
import type { Topology } from "../topology/types.js";
import type { AgentAnswer } from "./tables.js";

/** What the copies of a keyspace cost from one region to another, as its agents have counted it, against the topology. */
export interface SyncTraffic {
  readonly keyspace: string;
  readonly class: "relationship" | "status";
  readonly from: string;
  readonly to: string;
  /** Of the last `seconds`: as sent, and if every change had been sent. */
  readonly seconds: number;
  readonly sentBytesPerSecond: number;
  readonly plainBytesPerSecond: number;
  /** Since the agents began. */
  readonly sentBytes: number;
  readonly plainBytes: number;
  /** Null where the topology does not say what the keyspace carries. */
  readonly expectedBytesPerSecond: number | null;
  readonly isMore: boolean;
}

/** For each global keyspace and pair of regions, where something is sent or expected, in the order of the topology. */
export function syncTraffic(topology: Topology, agents: readonly AgentAnswer[]): SyncTraffic[] {
  const regions = new Map(topology.nodes.map(({ id, region }) => [id, region]));
  const counts = agents.flatMap(({ node, status }) => {
    const from = regions.get(node);
    return from === undefined || status === null
      ? []
      : status.sync.map((count) => ({ ...count, way: direction(from, count.region) }));
  });
  return topology.keyspaces
    .filter(({ sync }) => sync === "global")
    .flatMap((keyspace) => {
      const { id } = keyspace;
      const expected = syncLoad(topology, keyspace);
      const mine = counts.filter((count) => count.keyspace === id);
      const ways = new Set([...(expected?.keys() ?? []), ...mine.map(({ way }) => way)]);
      return [...ways].toSorted().flatMap((way): SyncTraffic[] => {
        const [from, to] = regionsOf(way) as [string, string];
        if (from === to) return [];
        const found = mine.filter((count) => count.way === way);
        const sum = (of: (count: (typeof mine)[number]) => number) =>
          found.reduce((all, count) => all + of(count), 0);
        const sentBytesPerSecond = sum((count) => count.sentBytesPerSecond);
        const expectedBytesPerSecond = expected === null ? null : (expected.get(way) ?? 0);
        return [
          {
            keyspace: id,
            class: keyspace.class,
            from,
            to,
            seconds: Math.min(...found.map(({ seconds }) => seconds), 60),
            sentBytesPerSecond,
            plainBytesPerSecond: sum((count) => count.plainBytesPerSecond),
            sentBytes: sum((count) => count.sentBytes),
            plainBytes: sum((count) => count.plainBytes),
            expectedBytesPerSecond,
            isMore:
              expectedBytesPerSecond !== null &&
              exceeds(sentBytesPerSecond, expectedBytesPerSecond),
          },
        ];
      });
    });
}
