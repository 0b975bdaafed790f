import type { RouteNode } from "../../routing/table.js";
import type { Entry, PolicyClass, PolicySite } from "../../policy/document.js";
import type { UserFilter } from "../../policy/filter.js";
import type { Estimate, PLAN_VERSION, ShardStage } from "../types.js";

interface StepOf<K extends string> {
  /** `s17`, unique in the plan. */
  readonly id: string;
  readonly kind: K;
}

/** The access agent answers, is of its role, and knows the run's epoch. */
export interface ReachStep extends StepOf<"reach"> {
  readonly node: string;
}

/** An entry as a plan has it: its epoch is that of the run. */
export type PlannedEntry = Omit<Entry, "epoch">;

/** What a policy has of what a plan changes; null: the plan leaves that as it is. */
export interface PolicyPart {
  readonly entries: readonly PlannedEntry[];
  readonly classes: readonly PolicyClass[] | null;
  readonly sites: Readonly<Record<string, PolicySite>> | null;
}

/** Publish the policy with `after` for `before`: to every access agent, read back from each. */
export interface PolicyStep extends StepOf<"policy"> {
  readonly before: PolicyPart;
  readonly after: PolicyPart;
}

interface Departing<K extends string> extends StepOf<K> {
  /** A gateway. */
  readonly node: string;
  readonly site: string;
  /** On whose account: no session is told twice. */
  readonly entry: string;
  readonly filter: UserFilter;
}

/** Users of a gateway whom the policy leads elsewhere are told to log in there, at a pace. */
export interface ReloginStep extends Departing<"relogin"> {
  /** Only those who belong to this site; null for all who belong elsewhere. */
  readonly home: string | null;
  /** At most so many; null for all. */
  readonly sessions: number | null;
  /** Null: as fast as it goes. */
  readonly perSecond: number | null;
  /** Who is still there after so long is closed. */
  readonly withinMs: number;
}

/** The same on the way back, once the policy leads users home again. On the way there nothing is done. */
export interface RecallStep extends Departing<"recall"> {
  /** Only those who belong to this site: others were moved by another change, or came by themselves. Null where many sites were left. */
  readonly home: string | null;
  readonly perSecond: number;
  readonly withinMs: number;
}

/** The connections of a gateway's users are closed. */
export interface DisconnectStep extends Departing<"disconnect"> {
  /** Null: as fast as it goes. */
  readonly perSecond: number | null;
}

/** No user is left at a gateway whom the entry means: who has come since is told as well, and closed if need be. */
export interface EmptyStep extends Departing<"empty"> {
  /** Null: as fast as it goes. */
  readonly perSecond: number | null;
  readonly withinMs: number;
}

/**
 * Watch the sites that get users, while the other steps of its wave are done and for a window after; stop the run, and those steps,
 * if one of them is worse than the gates allow.
 */
export interface ReceiversStep extends StepOf<"receivers"> {
  readonly receivers: readonly Receiver[];
  readonly gates: ReceiverGates;
}

export interface Receiver {
  readonly site: string;
  /** Its gateways. */
  readonly nodes: readonly string[];
  readonly onlineUsers: number;
}

export interface ReceiverGates {
  readonly windowSeconds: number;
  /** Below so many logins nothing is said of those that were refused. */
  readonly minSamples: number;
  /** Of the logins, 0..1. */
  readonly maxRefused: number;
  /** Of its capacity, 0..1; null: a person does not mind how many (`--override room`). */
  readonly maxOnline: number | null;
  /** How late a gateway may be, and how often as late as before users came; null in a plan of an earlier build. */
  readonly maxLate: { readonly ms: number; readonly ratio: number } | null;
  /** A URL that must answer 2xx; null for none. */
  readonly checkUrl: string | null;
}

/** Wait until the entries keep nobody away any more at any dispatcher: they have ramped down. */
export interface RampStep extends StepOf<"ramp"> {
  readonly entries: readonly string[];
  readonly site: string;
  readonly seconds: number;
}

export type UserStep =
  | ReachStep
  | PolicyStep
  | ReloginStep
  | RecallStep
  | DisconnectStep
  | EmptyStep
  | ReceiversStep
  | RampStep;

/** A step that has no id yet. */
export type UserStepDraft = UserStep extends infer S
  ? S extends UserStep
    ? Omit<S, "id">
    : never
  : never;

/** In the order in which they stand in a plan. */
export const USER_STAGE_KINDS = [
  "reach",
  "recall",
  "mask",
  "move",
  "empty",
  "drill",
  "hold",
  "restore",
  "return",
  "end",
  "balance",
  "shift",
] as const;

export type UserStageKind = (typeof USER_STAGE_KINDS)[number];

export interface UserStage extends Omit<ShardStage, "kind" | "waves"> {
  readonly kind: UserStageKind;
  readonly waves: readonly (readonly UserStep[])[];
}

/** Who moves, for the person who has to agree: nothing of it is needed to do it. */
export interface UserMove {
  readonly from: string;
  readonly to: string;
  readonly carrier: string;
  /** Null in a plan of an earlier build: of all provinces. */
  readonly province: string | null;
  readonly users: number;
}

/** A site that gets users: how it stands, and how it would. */
export interface ReceiverView {
  readonly site: string;
  /** What the set is rated for, users online. */
  readonly capacity: number;
  readonly before: number;
  readonly after: number;
  /** Of its limits the one that is the nearest afterwards, and the users that it counts. */
  readonly limit: {
    readonly what: string;
    readonly users: number;
    readonly before: number;
    readonly after: number;
  };
  readonly logins: {
    readonly now: number;
    /** While users are moved; null for all at once. */
    readonly planned: number | null;
    readonly limit: number;
  };
}

/** An address that logins are sent to no longer. */
export interface DroppedAddress {
  /** Null in a policy of an earlier version, which does not name it. */
  readonly node: string | null;
  readonly site: string;
  readonly url: string;
  readonly why: string;
  /** Whether it is offered again when the plan is taken back: not where its gateway is gone. */
  readonly isRestored: boolean;
}

/** A plan that moves users between sites. Hashed, immutable and complete as one that moves data. */
export interface UserPlan {
  readonly v: typeof PLAN_VERSION;
  readonly kind: "users";
  readonly hash: string;
  readonly createdAt: string;
  readonly topology: { readonly name: string; readonly hash: string };
  /** Of the entries, classes and sites of the policy, before and after: what makes a plan stale. */
  readonly fingerprint: { readonly before: string; readonly after: string };
  /** `schedule` */
  readonly scopes: readonly string[];
  /** The access agents that answered when the plan was made. */
  readonly nodes: Readonly<Record<string, RouteNode>>;
  /** Access agents that did not: they are told by whoever next publishes a policy. */
  readonly silent: readonly { readonly node: string; readonly why: string }[];
  /** Addresses of the policy that the plan offers to logins no longer; a plan without any has none. */
  readonly dropped?: readonly DroppedAddress[] | undefined;
  /** Gateways that the topology does not have, and that are not known to be gone: they stay. A plan without any has none. */
  readonly unlisted?: readonly { readonly node: string; readonly site: string }[] | undefined;
  readonly change: {
    readonly what: string;
    readonly sites: readonly string[];
    readonly reason: string;
    readonly actor: string;
    /** Safety rules that were overridden, with what they had to say. */
    readonly overridden: readonly { readonly rule: string; readonly message: string }[];
  };
  readonly moves: readonly UserMove[];
  /**
   * Sites that users are to leave and of which no gateway answers: nobody counts their users, so moves from there are an estimate, and
   * not in the pace.
   */
  readonly uncounted: readonly string[];
  readonly receivers: readonly ReceiverView[];
  readonly pace: {
    /** Null: all at once. */
    readonly perSecond: number | null;
    readonly seconds: number;
    /** What no pace can be below; null where a site takes no more logins. */
    readonly boundSeconds: number | null;
  };
  readonly stages: readonly UserStage[];
  readonly estimate: Estimate;
}
