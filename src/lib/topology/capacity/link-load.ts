import type { Keyspace, Node, RegionLink, Topology } from "../types.js";
import type { Loss } from "./losses.js";
import { loadedShards, type LoadedShard, sentBytes } from "./placement.js";
import { type Scenario, scenarios } from "./scenarios.js";

/** From one region to another: `shanghai -> tianjin`. */
export type Direction = string;

/** Bits a second that replication sends from one region to another, of the keyspaces that say their load. */
export function linkLoads(
  topology: Topology,
  losses: readonly Loss[],
): Generator<Scenario<Direction>> {
  const window = topology.policy.syncWindowMs;
  return scenarios(loadedShards(topology), losses, (shard, copies) =>
    effects(shard, copies, window),
  );
}

function effects(
  shard: LoadedShard,
  copies: readonly Node[],
  syncWindowMs: number,
): [Direction, number[]][] {
  const [primary, ...followers] = copies;
  return followers
    .filter(({ region }) => region !== primary!.region)
    .map((node) => [
      direction(primary!.region, node.region),
      [8 * sentBytes(shard, primary!, node, syncWindowMs)],
    ]);
}

/** Bytes a second that replication of a keyspace sends now, by direction; null where the keyspace does not say its load. */
export function syncLoad(
  topology: Topology,
  keyspace: Keyspace,
): ReadonlyMap<Direction, number> | null {
  if (!keyspace.load) return null;
  const [now] = linkLoads({ ...topology, keyspaces: [keyspace] }, []);
  return new Map([...now!.sums].map(([way, [bits]]) => [way, bits! / 8]));
}

/** The link of a direction and its place in the list. */
export function linkFinder({
  links,
}: Topology): (
  direction: Direction,
) => { readonly link: RegionLink; readonly index: number } | null {
  const found = new Map<Direction, { readonly link: RegionLink; readonly index: number }>();
  for (const [index, link] of links.entries()) {
    const [a, b] = link.between;
    for (const way of [direction(a, b), direction(b, a)]) found.set(way, { link, index });
  }
  return (way) => found.get(way) ?? null;
}

export function regionsOf(way: Direction): string[] {
  return way.split(" -> ");
}

export function direction(from: string, to: string): Direction {
  return `${from} -> ${to}`;
}
