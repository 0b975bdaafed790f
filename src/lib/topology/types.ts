import type { Segment } from "../keyspace/segment.js";
import type { Adjusted } from "./problem.js";

/** A topology that has been parsed and checked: every reference resolves, every number has its unit removed. */
export interface Topology {
  readonly name: string;
  readonly regions: readonly Region[];
  readonly idcs: readonly Idc[];
  readonly sets: readonly SetSpec[];
  /** Every node of every layer, in the order of the file. */
  readonly nodes: readonly Node[];
  readonly keyspaces: readonly Keyspace[];
  /** What the service must carry; null where nothing is said of it. */
  readonly demand: Demand | null;
  readonly links: readonly RegionLink[];
  readonly policy: Policy;
}

export interface Region {
  readonly id: string;
}

export interface Idc {
  readonly id: string;
  readonly region: string;
  /** Over which it is reachable. */
  readonly carriers: readonly string[];
  /** Most users that the line of a carrier takes, for the carriers of which it is said. */
  readonly carrierUsers: Readonly<Record<string, number>>;
}

/** A small, self-contained deployment in one idc. */
export interface SetSpec {
  readonly id: string;
  readonly idc: string;
  readonly region: string;
  readonly capacity: { readonly onlineUsers: number; readonly loginsPerSecond: number };
}

export type Layer = "access" | "logic" | "data";

export interface Node {
  readonly id: string;
  readonly set: string;
  readonly idc: string;
  readonly region: string;
  readonly layer: Layer;
  /** Base URL of the agent that speaks for the node, without a slash at the end. Null for logic nodes that have none. */
  readonly agent: string | null;
  /** Null for nodes that hold no data. */
  readonly engine: Engine | null;
  readonly capacity: NodeCapacity;
}

export type Engine = "embedded";

export interface NodeCapacity {
  readonly memoryBytes: number;
  readonly opsPerSecond: number;
  readonly networkBitsPerSecond: number;
}

/** What the service must carry at its peak. 0 stands for what nothing is said of. */
export interface Demand {
  readonly onlineUsers: number;
  readonly loginsPerSecond: number;
  /** Of users and logins, 0..1; together at most 1. The rest may use any idc. */
  readonly carriers: readonly Share[];
  /** The same of the provinces that users come from. A carrier has its users in all of them alike. */
  readonly provinces: readonly Share[];
  /** What one online user costs in each layer. */
  readonly perUser: Readonly<Record<Layer, NodeCapacity>>;
}

/** Of all users, 0..1. */
export interface Share {
  readonly id: string;
  readonly share: number;
}

/** What stands for all carriers, or all provinces, that `demand` does not list. */
export const UNLISTED = "other";

/** A line between two regions. */
export interface RegionLink {
  readonly between: readonly [string, string];
  /** In each direction. */
  readonly bitsPerSecond: number;
}

export interface Keyspace {
  readonly id: string;
  readonly class: "relationship" | "status";
  readonly sync: "global" | "local";
  /** When a write is acknowledged: flushed by its writer, or also by a follower in another set. */
  readonly ack: "local" | "follower";
  readonly sharding: "range" | "consistent-hash";
  /** The whole of [0, 2^64) for consistent hashing. */
  readonly domain: Segment;
  /** What the keyspace carries; not there where nothing is said of it. */
  readonly load?: KeyspaceLoad;
  readonly shards: readonly Shard[];
}

/** Of a keyspace as a whole, at its peak. 0 stands for what nothing is said of. */
export interface KeyspaceLoad {
  /** Of one copy of all the data. */
  readonly bytes: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  /** Of the answers to reads. */
  readonly readBytesPerSecond: number;
  /** Of the changes, as they are sent to one copy. */
  readonly changeBytesPerSecond: number;
  /** Keys that change within one `policy.syncWindow`; null where it is not known. */
  readonly changedKeys: number | null;
}

/** A named owner of segments. Segments are sorted; for consistent hashing they come from the ring. */
export interface Shard {
  readonly id: string;
  readonly segments: readonly Segment[];
  readonly primary: string;
  readonly replicas: readonly string[];
  /** Of the load of the keyspace, 0..1; not there where it follows from the positions. */
  readonly share?: number;
}

export interface Policy {
  /** Regions that may be lost while the rest still carries everyone. */
  readonly regionsLost: number;
  /** Share of capacity to keep free, 0..1. */
  readonly headroom: number;
  /** A shard with more than so many times the average load of its keyspace is hot. */
  readonly skew: number;
  /** Of a key of a global status keyspace only the last value within it goes to other regions. */
  readonly syncWindowMs: number;
  /** Severities of rules that are not the usual ones. */
  readonly rules: readonly RuleOverride[];
  /** What the copies of one shard may not share. */
  readonly spread: "region" | "set" | "node";
  readonly promotion: {
    /** Percent of the reads that go to the new copies, rising, the last one 100. */
    readonly reads: readonly number[];
    /** Share of a segment that is taken over first, 0..1; 0 for none. */
    readonly canary: number;
    /** How many slices the rest is taken over in, at least 1. */
    readonly slices: number;
  };
  readonly gates: Gates;
  readonly concurrency: {
    /** Copies (links that are still copying) at once: into or out of one node, in total. */
    readonly perNode: number;
    readonly total: number;
  };
  /** Copy rate of one link, bytes per second; null for no limit. */
  readonly linkBytesPerSecond: number | null;
  /** Of what a line between regions has left beside replication, the share that copies may use together, 0..1. */
  readonly lineShare: number;
  /** What may be put at risk at one time: one set of each region and one copy of each shard, or anything. */
  readonly blastRadius: BlastRadius;
  /** Longest time for which a takeover may block the writes of its slice. */
  readonly takeoverBudgetMs: number;
  readonly soakSeconds: number;
}

export const BLAST_RADII = ["set", "unlimited"] as const;

export type BlastRadius = (typeof BLAST_RADII)[number];

export interface RuleOverride {
  readonly rule: string;
  readonly severity: Adjusted;
  readonly reason: string;
}

/** What must hold, over a window, before the next share of reads is promoted. */
export interface Gates {
  readonly windowSeconds: number;
  /** Below this many reads at the new copy the window says nothing. */
  readonly minSamples: number;
  /** What to do when a window and its two extensions had too few reads. */
  readonly whenQuiet: "proceed" | "stop";
  /** 0..1 */
  readonly maxErrorRate: number;
  /** p99 of the new copy over p99 of the source. */
  readonly maxP99Ratio: number;
  /** A new copy whose p99 is at most this is good enough, whatever the ratio: at such latencies it says nothing. */
  readonly p99FloorMs: number;
  readonly maxLagMs: number;
  /** A URL that must answer 2xx; null for none. */
  readonly checkUrl: string | null;
}
