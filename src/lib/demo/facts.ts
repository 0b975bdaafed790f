/** What `ops demo --json` prints: of each scenario that was played. */
export type DemoFacts = { readonly v: 1 } & Partial<ExpansionFacts> & {
    readonly evacuation?: EvacuationFacts;
  };

export interface ExpansionFacts {
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
export interface ExpansionDetails {
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

export interface ExpansionResult {
  readonly facts: ExpansionFacts;
  readonly details: ExpansionDetails;
}

export interface EvacuationFacts {
  readonly sessions: number;
  /** Users of the site that was left who had a session elsewhere in the end. */
  readonly moved: number;
  /** Logins that ended in nothing: no connection, or no answer. A refusal that says when to come back is none. */
  readonly failedLogins: number;
  /** Users who found no session again, after the evacuation or after the restore. */
  readonly strandedForEver: number;
  /** Most logins in any second at the site that had most of its limit, as its gateway counted them. */
  readonly peakLoginRate: number;
  /** Of that site, a second. */
  readonly loginLimit: number;
  /** From the weak disable until all had a session elsewhere. */
  readonly seconds: number;
  /** What no pace could have been below, by the plan of the weak disable. */
  readonly boundSeconds: number;
}

export interface EvacuationDetails {
  readonly site: string;
  /** Share of the heartbeats, 0..1: that for which the site was masked. */
  readonly loss: number;
  /** Of those who moved, those who were told to and never were without a session. */
  readonly told: number;
  /** Logins put off by a refusal that said when to come back. */
  readonly refused: number;
  /** Of all users together. */
  readonly msWithout: number;
  readonly longestMsWithout: number;
  /** Of each site: since its process began, or in the last ten minutes. */
  readonly peaks: readonly {
    readonly site: string;
    readonly peak: number;
    readonly limit: number;
  }[];
  /** Of those who moved, those who were at the site again in the end. */
  readonly restored: number;
  readonly restoreSeconds: number;
  readonly restoreBoundSeconds: number;
  /** Of the scenario. */
  readonly seconds: number;
  /** What must not be, for a person to look at. */
  readonly wrong: readonly string[];
}

export interface EvacuationResult {
  readonly facts: EvacuationFacts;
  readonly details: EvacuationDetails;
}

/** The scenarios that were played. */
export interface DemoResult {
  readonly expansion?: ExpansionResult;
  readonly evacuation?: EvacuationResult;
}

export function factsOf({ expansion, evacuation }: DemoResult): DemoFacts {
  return {
    v: 1,
    ...expansion?.facts,
    ...(evacuation === undefined ? {} : { evacuation: evacuation.facts }),
  };
}

/** Whether nothing happened that must not. */
export function isWell({ expansion, evacuation }: DemoResult): boolean {
  const { lost = 0, resurrected = 0, checked = 0, acked = 0 } = expansion?.facts ?? {};
  const { wrong = [] } = evacuation?.details ?? {};
  return lost + resurrected === 0 && checked >= acked && wrong.length === 0;
}
