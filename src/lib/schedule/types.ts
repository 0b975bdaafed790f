/** Users who look the same to the planner. */
export interface UserClass {
  readonly carrier: string;
  readonly province: string;
  /** Where they are now; null for users who are nowhere yet. */
  readonly site: string | null;
  readonly users: number;
}

/** Fewer than half a user are nobody: sums of many shares are off in their last digits. */
export function isSomeone(users: number): boolean {
  return users >= 0.5;
}

/** Where users are scheduled to: a set. */
export interface Site {
  readonly id: string;
  readonly idc: string;
  readonly region: string;
  /** Logins a second that it can take beside those that it has anyway. */
  readonly loginsPerSecond: number;
  /** Over which it is reachable. Users of no listed carrier reach every site. */
  readonly carriers: readonly string[];
}

/** Most users of some sites together. */
export interface Limit {
  /** What would be full: `users online`, `of memory in the access layer`, `of the line of telecom`. */
  readonly what: string;
  readonly sites: readonly string[];
  /** Null where users of every carrier count. */
  readonly carrier: string | null;
  readonly users: number;
  /** The same with the headroom of the policy left free. */
  readonly soft: number;
}

/** No user that the filters name may be at the site: it is masked, drained or lost. Null stands for all. */
export interface Closure {
  readonly site: string;
  readonly carrier: string | null;
  readonly province: string | null;
}

/** For each site, in their order, how bad it is for users of a carrier and province. */
export type Costs = (carrier: string, province: string) => readonly number[];

export interface Problem {
  readonly sites: readonly Site[];
  readonly limits: readonly Limit[];
  readonly classes: readonly UserClass[];
  readonly closed: readonly Closure[];
  readonly costs: Costs;
  /** Null: as few as possible move from where they could stay, whatever the cost. */
  readonly moves: Moves | null;
}

/** Users may move away from where they could stay, for the least cost. */
export interface Moves {
  readonly most: number;
  /** What each of them costs besides, at the site that is left and at the one that is entered: no move gains less than both. */
  readonly tolls: Costs;
}
