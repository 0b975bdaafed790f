/** The one exit-code table. The same with and without `--json`. */
export const EXIT = {
  /** Done, or nothing to do. Also a rollback that was asked for. */
  done: 0,
  /** A failure that left nothing partial. */
  failure: 1,
  /** Changes are present (only with `--detailed-exitcode`). */
  changes: 2,
  /** Invalid topology, or refused by a safety rule or a preflight check. */
  refused: 3,
  /** Stale plan or drift. */
  stale: 4,
  /** Somebody else holds the lock. */
  locked: 5,
  /** Stopped part-way, or some agents not reached: resume or roll back. */
  partial: 6,
  /** Failed, and rolled itself back. */
  rolledBack: 7,
  /** Outcome unknown, or detached from work that goes on. */
  unknown: 8,
  /** No needed agent reachable, or unauthorised. */
  unreachable: 9,
  /** Wrong usage. */
  usage: 64,
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

/**
 * An error that a person can act on: what happened and where (`message`), what to do next (`hint`).
 * Anything else that is thrown is a bug.
 */
export class OpsError extends Error {
  readonly code: string;
  readonly exit: Exit;
  readonly hint: string | undefined;
  readonly details: unknown;

  /** `code` is stable kebab-case, for programs; `details` goes into the `--json` answer as it is. */
  constructor(
    code: string,
    exit: Exit,
    message: string,
    more: { hint?: string; details?: unknown; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "OpsError";
    this.code = code;
    this.exit = exit;
    this.hint = more.hint;
    this.details = more.details;
  }
}
