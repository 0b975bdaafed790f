import type { Segment } from "../../keyspace/segment.js";
import type { Observed } from "../../plan/observed.js";
import type { ShardPlan } from "../../plan/types.js";
import type { RouteTable } from "../../routing/table.js";
import type { Topology } from "../../topology/types.js";
import type { RunStatus } from "../journal/status.js";
import type { Answer } from "../observe.js";

/** Everything that is compared: the file, what the agents say, what the state directory says. */
export interface Seen {
  readonly topology: Topology;
  /** Path of the file, as it was given: for commands. */
  readonly file: string;
  /** Agents of the file's data nodes. */
  readonly answers: readonly Answer[];
  /** Agents of nodes that routes name and the file does not. */
  readonly strangers: readonly Answer[];
  readonly silent: readonly Silent[];
  /** What all of them hold. */
  readonly observed: Observed;
  /** The newest routes that an agent or the state directory has. */
  readonly tables: ReadonlyMap<string, RouteTable>;
  /** Null where nothing is kept. */
  readonly state: SeenState | null;
}

export interface Silent {
  readonly node: string;
  readonly url: string;
  readonly why: string;
}

export interface SeenState {
  readonly where: string;
  readonly lineage: string | null;
  /** As published from there. */
  readonly tables: readonly RouteTable[];
  /** Those that have not ended, and the last of every keyspace; but none that was refused. In the order in which they began. */
  readonly runs: readonly SeenRun[];
  /** Runs that do not say how they stand, and what to do about it. */
  readonly damaged: readonly { readonly run: string; readonly todo: string }[];
}

export interface SeenRun {
  readonly status: RunStatus;
  readonly plan: ShardPlan;
  /** A process works on it. */
  readonly isBusy: boolean;
}

export type About =
  | "identity"
  | "control-plane"
  | "stranger"
  | "run"
  | "keyspace"
  | "holders"
  | "routes"
  | "copy";

/** Something that is not as it should be. */
export interface Difference {
  readonly about: About;
  readonly keyspace: string | null;
  /** The agents at which it shows; none where it is the cluster's as a whole. */
  readonly nodes: readonly string[];
  /** Sorted; none where it is about the whole keyspace. */
  readonly segments: readonly Segment[];
  readonly wanted: string;
  readonly live: string;
  /** What the last run of the keyspace has to do with it; null where that is nothing, or not known. */
  readonly lastRun: string | null;
  /** Commands that mend it, one or the other; where no command does, what to do. None for what mends itself. */
  readonly mend: readonly string[];
}

export interface Drift {
  readonly differences: readonly Difference[];
  /** Of these nothing can be said. */
  readonly unknown: readonly (Silent & { readonly mend: string })[];
  /** Worth knowing, and no difference. */
  readonly notes: readonly string[];
}
