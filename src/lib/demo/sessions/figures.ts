/** What happened to the users of a population. */
export interface Counts {
  logins: number;
  /** Logins that an honest refusal put off. */
  refused: number;
  /** Logins that ended in nothing: no connection, or no answer. */
  failedLogins: number;
  /** Dispatchers asked in vain, all of them. */
  failedDispatches: number;
  /** To another place on a notice, without a second in between. */
  moves: number;
  notices: number;
  /** Sessions that ended without the user's doing, by close code. */
  lost: Map<number, number>;
  /** Of users who had had a session. */
  msWithout: number;
  longestMsWithout: number;
}

export interface CrowdFigures extends Omit<Counts, "lost"> {
  readonly users: number;
  readonly online: number;
  readonly bySite: Readonly<Record<string, number>>;
  readonly lost: Readonly<Record<string, number>>;
  /** Sessions that were told to leave more than once on account of the same entry. */
  readonly toldTwice: number;
}
