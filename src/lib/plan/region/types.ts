import type { RouteNode } from "../../routing/table.js";
import type { Segment } from "../../keyspace/segment.js";
import type { Estimate, PLAN_VERSION, ShardPlan, ShardStage } from "../types.js";
import type { UserPlan, UserStage } from "../users/types.js";

/** Writes that are not where they should be afterwards: why they do not move. */
export interface Stays {
  readonly keyspace: string;
  /** Sorted; empty where nobody knows who writes the keyspace. */
  readonly segments: readonly Segment[];
  /** The node that writes them; null where that is not known. */
  readonly node: string | null;
  readonly why: string;
}

/** What a region's plan is made of. At least one half is there. */
export interface RegionPlanParts {
  readonly createdAt: string;
  readonly topology: { readonly name: string; readonly hash: string };
  readonly change: UserPlan["change"];
  /** Null where no users move. */
  readonly users: UserPlan | null;
  /** Null where no writes move. */
  readonly shards: ShardPlan | null;
  /** Ids of the stages of both, in the order in which they are done. */
  readonly order: readonly string[];
  readonly stays: readonly Stays[];
  /** Why users who should move do not; null where they do, or there are none. */
  readonly usersStay: string | null;
}

/**
 * A plan that moves the users of a region and the writes of its primaries: two plans, each complete, whose stages are done in one
 * order, as one run. Ids of stages and steps are unique in both together.
 */
export interface RegionPlan extends RegionPlanParts {
  readonly v: typeof PLAN_VERSION;
  readonly kind: "region";
  readonly hash: string;
  /** Of both, sorted. */
  readonly scopes: readonly string[];
  /** Of both. */
  readonly nodes: Readonly<Record<string, RouteNode>>;
  /** Of both, as `order` has them. */
  readonly stages: readonly (ShardStage | UserStage)[];
  readonly estimate: Estimate;
}
