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
  /** Wrong usage; also a file or a name given on the command line that is not there. */
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

const WHY_UNREADABLE: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ENOENT: ["does not exist", "check the path"],
  ENOTDIR: ["does not exist", "check the path"],
  EISDIR: ["is a directory", "name the file in it"],
  EACCES: ["may not be read", "check its permissions"],
};

/** Why a file could not be read, and what to do, of what the file system threw. */
export function whyUnreadable(error: unknown): readonly [why: string, hint: string] {
  const { code } = error as { readonly code?: unknown };
  const known = typeof code === "string" ? WHY_UNREADABLE[code] : undefined;
  return known ?? [`cannot be read (${String(code ?? error)})`, "check the path"];
}

/** A file that was named on the command line cannot be read: `cannot-read` (exit 64), whatever it was to be. */
export function cannotRead(
  file: string,
  [why, hint]: readonly [why: string, hint: string],
): OpsError {
  return new OpsError("cannot-read", EXIT.usage, `${file} ${why}`, { hint });
}
