import type { Segment } from "../keyspace/segment.js";
import type { Gates } from "../topology/types.js";
import type { KeyspaceSettings } from "../routing/settings.js";
import type { RouteNode } from "../routing/table.js";

/** Rises when a plan is hashed or read in another way: a plan of another version is refused. */
export const PLAN_VERSION = 2;

/**
 * A plan is immutable and complete: executing it leaves no choices. `hash` is the SHA-256 of its canonical JSON
 * (RFC 8785, bigints as decimal strings) without the field `hash` itself and the holdings, for which the fingerprints stand;
 * and without `createdAt` where there are no stages.
 */
export interface ShardPlan {
  readonly v: typeof PLAN_VERSION;
  readonly kind: "shards";
  readonly hash: string;
  readonly createdAt: string;
  readonly topology: { readonly name: string; readonly hash: string };
  /** Of who holds what, before and after. Covers no versions and no generations. */
  readonly fingerprint: { readonly before: string; readonly after: string };
  /** Lock scopes that the run takes, sorted: `keyspace/K`. */
  readonly scopes: readonly string[];
  readonly keyspaces: readonly PlanKeyspace[];
  /** Every node that the plan names or that must learn its routes. */
  readonly nodes: Readonly<Record<string, RouteNode>>;
  readonly limits: PlanLimits;
  readonly stages: readonly ShardStage[];
  readonly estimate: Estimate;
  /** Missing where nothing is copied, and where it is not known how much. */
  readonly copying?: Copying | undefined;
}

/** What the route tables need beside the steps, and the ownership before and after, segment by segment. */
export interface PlanKeyspace {
  readonly id: string;
  readonly sharding: "range" | "consistent-hash";
  /** What the routes cover; null where there are none: before a keyspace is created, after it is removed. */
  readonly domain: { readonly before: Segment | null; readonly after: Segment | null };
  /** Where there are no routes before, or none after, both are those of the routes that there are. */
  readonly settings: { readonly before: KeyspaceSettings; readonly after: KeyspaceSettings };
  readonly before: readonly Holding[];
  readonly after: readonly Holding[];
}

/** Who holds one segment. Sorted by `lo`, gapless over the domain; `before` may hold more than that. */
export interface Holding extends Segment {
  readonly shard: string;
  readonly primary: string;
  /** Sorted. */
  readonly replicas: readonly string[];
}

/** What the waves were made for. */
export interface PlanLimits {
  /** Copies at once, into or out of one node. */
  readonly perNode: number;
  /** Copies at once. */
  readonly total: number;
  /** Bytes a second of all copies at once from one region to another, `sh -> sz`; missing where no line is known. */
  readonly lines?: Readonly<Record<string, number>> | undefined;
  /** `set`: at one time one set of each region and one copy of each shard are put at risk. Missing for no such limit. */
  readonly blastRadius?: "set" | undefined;
}

/** How long the copies take in their waves, and a time that no order of them can be shorter than. */
export interface Copying {
  readonly seconds: number;
  readonly boundSeconds: number;
  /** What does not let it be shorter. */
  readonly because: string;
}

export interface Estimate {
  readonly bytes: bigint;
  readonly rows: bigint;
  readonly seconds: number;
  /** The same when no gate gets enough reads to be judged by, and all are watched for as long as they may be. */
  readonly mostSeconds: number;
  /** What the figures rest on: "measured" from live histograms, "unknown" where no agent was asked. */
  readonly basis: "measured" | "unknown";
}

/** In the order in which they stand in a plan. */
export const STAGE_KINDS = [
  "preflight",
  "adopt",
  "create",
  "attach",
  "sync",
  "verify",
  "promote-reads",
  "promote-writes",
  "settings",
  "soak",
  "retire",
] as const;

export type ShardStageKind = (typeof STAGE_KINDS)[number];

export interface ShardStage {
  /** `1-preflight`, `2-attach`... unique in the plan; what `--until` and `--to` take. The bare kind is accepted where it is unique. */
  readonly id: string;
  readonly kind: ShardStageKind;
  readonly title: string;
  /** Waves run one after the other; the steps of a wave run at once. */
  readonly waves: readonly (readonly ShardStep[])[];
  readonly undo: {
    readonly how: string;
    readonly lossless: boolean;
    /** Acknowledged writes that undoing may lose. */ readonly lossBound: string;
  };
  readonly estimate: Estimate;
}

interface StepOf<K extends string> {
  /** `s17`, unique in the plan. */
  readonly id: string;
  readonly kind: K;
}

/** A step over segments of one keyspace. Sorted, without overlaps, never empty. */
interface SegmentsStep<K extends string> extends StepOf<K> {
  readonly keyspace: string;
  readonly segments: readonly Segment[];
}

/** The same on one node. */
interface NodeStep<K extends string> extends SegmentsStep<K> {
  readonly node: string;
}

/** Agents reachable, epoch pushed, room on disk, log retention, the way back works. */
export interface PreflightStep extends StepOf<"preflight"> {
  readonly node: string;
  /** Bytes that the plan will copy to the node. */
  readonly bytesIn: bigint;
}
/** The node leaves the control plane `from` for the one whose run this is. */
export interface AdoptStep extends StepOf<"adopt"> {
  readonly node: string;
  /** Its lineage, and how often the node had changed it by then. */
  readonly from: string;
  readonly changes: number;
}
/** The node becomes the first primary of empty segments. */
export interface InitStep extends NodeStep<"init"> {
  readonly shard: string;
}
/** The node begins to copy the segments from `source`, one after the other, and then follows it. */
export interface LinkStep extends NodeStep<"link"> {
  readonly source: string;
  /** Why the copy is made. A replica stays a follower; a move's target takes over. */
  readonly purpose: "replica" | "move";
  readonly bytes: bigint;
  readonly bytesPerSecond: number | null;
}
/** Wait until the copies are complete and lag less than `maxLagMs`. */
export interface SyncStep extends NodeStep<"sync"> {
  readonly maxLagMs: number;
}
/** The node compares its copies with their source, chunk by chunk, at one position. */
export interface VerifyStep extends NodeStep<"verify"> {
  /** Whom it follows by then. Missing in old plans. */
  readonly source?: string | undefined;
  /** Not where the node says that its copy was compared since it was made, and has followed ever since. */
  readonly unlessProven?: true | undefined;
}
/** The node follows another copy from its present position on, without a new snapshot. */
export interface RepointStep extends NodeStep<"repoint"> {
  readonly source: string;
}
/** Publish a route table that covers another domain: the first one (`before` is null), or the end of the routes (`after` is null). */
export interface DomainStep extends StepOf<"domain"> {
  readonly keyspace: string;
  readonly before: Segment | null;
  readonly after: Segment | null;
  /** Whatever earlier routes say, the new ones lead to the holders: the primary writes, all whole copies are read. */
  readonly anew?: true | undefined;
}
/** Publish a route table with other settings; every agent that holds the keyspace must acknowledge it. */
export interface SettingsStep extends StepOf<"settings"> {
  readonly keyspace: string;
  readonly before: KeyspaceSettings;
  readonly after: KeyspaceSettings;
}
/** Publish a route table in which the segments belong to another shard. The writer stays. */
export interface RelabelStep extends SegmentsStep<"relabel"> {
  readonly shard: string;
  readonly shardBefore: string;
}
/** Publish a route table in which the segments' readers have these weights; every agent must acknowledge it. */
export interface ReadersStep extends SegmentsStep<"readers"> {
  readonly before: readonly { readonly node: string; readonly weight: number }[];
  readonly after: readonly { readonly node: string; readonly weight: number }[];
}
/** Watch `node` against `source` for a window; stop the run if it is worse than the gates allow. */
export interface GateStep extends StepOf<"gate"> {
  readonly keyspace: string;
  readonly node: string;
  readonly source: string;
  readonly gates: Gates;
}
/** The writes of the segments move from `from` to `node`, one after the other; then the route table is published. */
export interface TakeoverStep extends NodeStep<"takeover"> {
  readonly from: string;
  /** The shard that owns the slice afterwards, and before. */
  readonly shard: string;
  readonly shardBefore: string;
  /** Of each segment. */
  readonly budgetMs: number;
}
/** Wait; then every agent must have acknowledged the current routes and every link must be whole. */
export interface SoakStep extends StepOf<"soak"> {
  readonly seconds: number;
}
/** The node's copies of the segments are deleted and their links removed. There is no way back from it. */
export interface DropStep extends NodeStep<"drop"> {}
/** The node deletes what it holds of the segments, whoever it is for them: nobody is to hold them any more. No way back either. */
export interface DiscardStep extends NodeStep<"discard"> {}

export type ShardStep =
  | PreflightStep
  | AdoptStep
  | InitStep
  | LinkStep
  | SyncStep
  | VerifyStep
  | RepointStep
  | DomainStep
  | SettingsStep
  | RelabelStep
  | ReadersStep
  | GateStep
  | TakeoverStep
  | SoakStep
  | DropStep
  | DiscardStep;

export type ShardStepKind = ShardStep["kind"];
