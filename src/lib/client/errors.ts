import type { Problem } from "../agent/protocol/problem.js";
import { EXIT, OpsError, type Exit } from "../errors.js";

/** An access that was not done, for certain: nothing changed. */
export class ClientError extends OpsError {
  /**
   * `code`: `bad-key`; `no-route` (no agent serves this keyspace or position); `unreachable` (no node for it answered within the
   * deadline); `deadline` (fenced or not owned by anyone for so long); `refused` (the agent said no); `overloaded` (too many
   * accesses wait in this client); `closed`.
   */
  constructor(code: string, message: string, exit: Exit = EXIT.failure, cause?: unknown) {
    super(code, exit, message, cause === undefined ? {} : { cause });
    this.name = "ClientError";
  }
}

/** Answers to a write that say that it is settled, although not how: a node that could not flush ends, one that waited for a follower has the write. */
const SETTLED = new Set(["storage", "ack-timeout"]);

/** A write that was sent and whose answer never came: it took effect, or it did not. */
export class UnknownOutcome extends OpsError {
  /** Whether it may take effect even later than now. False: it is settled, only not known. */
  readonly open: boolean;

  /** Of what a node answered. */
  static of(access: string, last: string, { code }: Problem): UnknownOutcome {
    return new UnknownOutcome(`${access}: ${last}`, !SETTLED.has(code));
  }

  constructor(message: string, open: boolean, cause?: unknown) {
    super("unknown-outcome", EXIT.unknown, message, {
      hint: open
        ? "Do not write the key again until the node has answered other requests or was restarted: the lost request may still arrive."
        : "Read the key, or write it again.",
      ...(cause === undefined ? {} : { cause }),
    });
    this.name = "UnknownOutcome";
    this.open = open;
  }
}
