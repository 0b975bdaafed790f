import type { Mode, Ramp } from "../policy/document.js";

/**
 * What a demo that moves users needs of the control plane. The `demo` command makes it of the functions that the `schedule` commands
 * call. All throw OpsError for what is refused.
 */
export interface UserControl {
  /** As `schedule status` shows them. */
  status(): Promise<readonly SiteSeen[]>;
  /** Publishes the first policy. */
  balance(reason: string): Promise<void>;
  keepAway(wanted: KeptAway): Promise<PreparedMove>;
  restore(site: string, reason: string): Promise<PreparedMove>;
  rollback(run: string): Promise<void>;
}

export interface SiteSeen {
  readonly id: string;
  /** Null where no gateway of the site answers. */
  readonly online: number | null;
  /** Share of the heartbeats, 0..1; null where too few were measured. */
  readonly loss: number | null;
}

export interface KeptAway {
  readonly mode: Mode;
  readonly site: string;
  readonly reason: string;
  readonly ttlMs: number;
  readonly ramp: Ramp;
  /** Safety rules to go by all the same. */
  readonly overrides: readonly string[];
}

/** A plan. */
export interface PreparedMove {
  readonly users: number;
  /** Null: all at once. */
  readonly perSecond: number | null;
  readonly seconds: number;
  /** What no pace is below; null where a receiver takes no more logins. */
  readonly boundSeconds: number | null;
  /** Access agents that do not answer. */
  readonly silent: readonly string[];
  apply(): Promise<Applied>;
}

/** How applying a plan ended. What stopped part-way can be taken back. */
export type Applied = { readonly how: "done" } | { readonly how: "stopped"; readonly run: string };
