import { bytesText, countText } from "../../figures.js";
import type { Node, Topology } from "../types.js";
import { type Amount, bitsText } from "./amounts.js";
import type { Loss } from "./losses.js";
import { loadedShards, type LoadedShard, sentBytes } from "./placement.js";
import { type Scenario, scenarios } from "./scenarios.js";

/** What shards ask of the data nodes that hold their copies, in the order of `nodeLimits`. */
export const NODE_AMOUNTS: readonly Amount[] = [
  { what: "of memory", text: bytesText },
  { what: "ops/s", text: countText },
  { what: "of network in", text: bitsText },
  { what: "of network out", text: bitsText },
];

export function nodeLimits({ capacity }: Node): readonly number[] {
  const { memoryBytes, opsPerSecond, networkBitsPerSecond } = capacity;
  return [memoryBytes, opsPerSecond, networkBitsPerSecond, networkBitsPerSecond];
}

/** What each data node carries, of the keyspaces that say their load. */
export function nodeLoads(topology: Topology, losses: readonly Loss[]): Generator<Scenario<Node>> {
  const window = topology.policy.syncWindowMs;
  return scenarios(loadedShards(topology), losses, (shard, copies) =>
    effects(shard, copies, window),
  );
}

/** Every copy holds the data, applies the writes and serves its part of the reads; the first one sends the changes to the others. */
function effects(
  shard: LoadedShard,
  copies: readonly Node[],
  syncWindowMs: number,
): [Node, number[]][] {
  const { load, share } = shard;
  const primary = copies[0]!;
  const reads = share / copies.length;
  const ops = load.readsPerSecond * reads + load.writesPerSecond * share;
  const answers = load.readBytesPerSecond * reads;
  const followers = copies.slice(1).map((node) => ({
    node,
    sent: sentBytes(shard, primary, node, syncWindowMs),
  }));
  const sent = followers.reduce((sum, one) => sum + one.sent, 0);
  const written = load.changeBytesPerSecond * share;
  const amounts = (bytesIn: number, bytesOut: number) => [
    load.bytes * share,
    ops,
    8 * bytesIn,
    8 * bytesOut,
  ];
  return [
    [primary, amounts(written, answers + sent)],
    ...followers.map((one): [Node, number[]] => [one.node, amounts(one.sent, answers)]),
  ];
}
