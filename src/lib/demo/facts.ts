/** What `ops demo --json` prints. */
export interface DemoFacts {
  readonly v: 1;
  /** Acknowledged writes and deletes. */
  readonly acked: number;
  /** Those of them whose key was read back at its writer in the end. */
  readonly checked: number;
  /** Of all copies, and of the reads during the run. A value that nobody wrote counts as well. */
  readonly lost: number;
  readonly resurrected: number;
  /** Rows that the expansion copied, in all of its runs. */
  readonly rowsMoved: number;
  /** Of one copy. */
  readonly rowsPerSecond: number;
  /** Write pause of each takeover, rollback included. */
  readonly takeovers: readonly { readonly plannedMs: number; readonly actualMs: number }[];
  readonly rollbacks: number;
  readonly kills: number;
  /** Share of the reads answered in the reader's own region, 0..1. */
  readonly nearReads: number;
  readonly seconds: number;
}

/** What the table shows beside those. */
export interface DemoDetails {
  readonly users: number;
  readonly replicaKeys: number;
  readonly unknown: number;
  readonly failures: number;
  readonly lastFailure: string;
  readonly redirects: number;
  readonly fencesWaited: number;
  /** Longest time that a client waited for a fence. */
  readonly longestFenceMs: number;
  readonly convergence: {
    readonly agents: number;
    readonly current: number;
    readonly version: number;
  };
  /** The first few that are wrong, for a person to look at. */
  readonly wrong: readonly string[];
}

export interface DemoResult {
  readonly facts: DemoFacts;
  readonly details: DemoDetails;
}
