import type { Segment } from "../keyspace/segment.js";
import type { KeyspaceSettings } from "./settings.js";

/** Where the accesses of one keyspace go: the "configuration lines". Covers the whole domain without overlap, sorted. */
export interface RouteTable {
  readonly keyspace: string;
  readonly sharding: "range" | "consistent-hash";
  readonly domain: Segment;
  /** Rises with every publication; tables of different keyspaces are never compared. */
  readonly version: number;
  /** Nobody is to use the keyspace any more: clients are sent nowhere. The rest is as it was, for the way back. */
  readonly withdrawn?: true | undefined;
  readonly settings: KeyspaceSettings;
  readonly nodes: Readonly<Record<string, RouteNode>>;
  readonly segments: readonly RouteSegment[];
}

export interface RouteNode {
  /** The agent's base URL. */
  readonly url: string;
  readonly region: string;
  readonly set: string;
}

export interface RouteSegment extends Segment {
  readonly shard: string;
  readonly writer: string;
  /** The writer's generation when the table was made: writes carry it. */
  readonly generation: bigint;
  /** Copies that may serve reads, sorted by node. `chooseReader` says how weights and nearness decide. */
  readonly readers: readonly Reader[];
}

export interface Reader {
  readonly node: string;
  /** 0..100; 0 gets no reads. */
  readonly weight: number;
}
