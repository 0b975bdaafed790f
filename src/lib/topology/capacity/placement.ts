import type { Keyspace, KeyspaceLoad, Node, Topology } from "../types.js";
import { sharesOf } from "./shares.js";

/** A shard of which it is said what it carries. */
export interface LoadedShard {
  readonly keyspace: Keyspace;
  readonly load: KeyspaceLoad;
  /** Of the load, 0..1. */
  readonly share: number;
  /** The primary first, then the replicas in their order. */
  readonly copies: readonly Node[];
}

export function loadedShards({ keyspaces, nodes }: Topology): LoadedShard[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return keyspaces.flatMap((keyspace) => {
    const { load } = keyspace;
    if (!load) return [];
    const shares = sharesOf(keyspace);
    return keyspace.shards.map(({ primary, replicas }, i) => ({
      keyspace,
      load,
      share: shares[i]!,
      copies: [primary, ...replicas].map((id) => byId.get(id)!),
    }));
  });
}

/**
 * Bytes a second that the primary sends to a replica. Of a key of a global status keyspace only the last value within the window
 * goes to another region: as many changes as keys that change in it. But where writes wait for a replica nothing is held back.
 */
export function sentBytes(
  { keyspace, load, share }: LoadedShard,
  from: Node,
  to: Node,
  syncWindowMs: number,
): number {
  const all = load.changeBytesPerSecond * share;
  const { class: kind, sync, ack } = keyspace;
  const coalesced = kind === "status" && sync === "global" && ack === "local";
  if (!coalesced || from.region === to.region || load.changedKeys === null) return all;
  const writes = (load.writesPerSecond * syncWindowMs) / 1000;
  return writes === 0 ? all : all * Math.min(1, load.changedKeys / writes);
}
