import type { Segment } from "../keyspace/segment.js";
import type { KeyspaceSettings } from "../routing/settings.js";
import type { Topology } from "../topology/types.js";
import { settingsOf } from "./settings.js";

/** What the agents said about who holds what, or what a base topology implies. */
export interface Observed {
  readonly keyspaces: readonly ObservedKeyspace[];
  /** Data nodes of the topology that did not answer. */
  readonly unreachable: readonly { readonly node: string; readonly why: string }[];
  /** "unknown" when no agent was asked: sizes are then missing. */
  readonly basis: "measured" | "unknown";
}

/** Every keyspace of which some node holds an entry, also one that the topology no longer names. */
export interface ObservedKeyspace {
  readonly id: string;
  /** Null when no routes are known. */
  readonly routes: ObservedRoutes | null;
  /** In any order; a node may hold several, that do not overlap. */
  readonly entries: readonly ObservedEntry[];
  /** Optional, from the primaries: sharpens the sizes of parts of an entry. */
  readonly histogram?: Histogram;
}

/** What the newest routes that any agent has say of a keyspace as a whole. */
export interface ObservedRoutes {
  readonly sharding: "range" | "consistent-hash";
  readonly domain: Segment;
  /** Nobody is to use the keyspace any more. */
  readonly withdrawn: boolean;
  readonly settings: KeyspaceSettings;
}

export interface ObservedEntry {
  readonly node: string;
  readonly segment: Segment;
  readonly role: "primary" | "follower" | "claiming";
  readonly generation: bigint;
  /** The owning shard as the entry or the published routes have it; null when neither says. Read from primaries only. */
  readonly shard: string | null;
  /** Node that a follower follows; null when it follows none. */
  readonly source: string | null;
  /** Whether a follower has a whole copy and its change stream is open. True for primaries. */
  readonly streaming: boolean;
  readonly rows?: bigint;
  readonly bytes?: bigint;
}

/** Load over a keyspace: sorted, without overlaps; positions in no bucket hold nothing. */
export type Histogram = readonly Bucket[];

export interface Bucket extends Segment {
  readonly rows: bigint;
  readonly bytes: bigint;
}

/** The state in which a base topology is in force, for planning without agents: sizes unknown, everything streaming. */
export function observedFromTopology(base: Topology): Observed {
  const keyspaces = base.keyspaces.map((keyspace): ObservedKeyspace => {
    const entries = keyspace.shards.flatMap(({ id: shard, segments, primary, replicas }) =>
      segments.flatMap((segment) => {
        // Spelled out: of hundreds of thousands, objects that grow by spreading take four times as much memory.
        const entry = (node: string, source: string | null): ObservedEntry => ({
          node,
          segment,
          role: source === null ? "primary" : "follower",
          generation: 1n,
          shard,
          source,
          streaming: true,
        });
        return [entry(primary, null), ...replicas.map((node) => entry(node, primary))];
      }),
    );
    const { id, sharding, domain } = keyspace;
    const settings = settingsOf(keyspace, base.policy);
    return { id, routes: { sharding, domain, withdrawn: false, settings }, entries };
  });
  return { keyspaces, unreachable: [], basis: "unknown" };
}
