/**
 * Where a control plane keeps what it must not forget: its lineage, the locks and epochs of its scopes, the route tables
 * and the policy that it published, and its runs. A driver stores text; what the text means is for `run` to know.
 */
export interface StateStore {
  /** For people: where this is. */
  readonly where: string;
  /** Whether a control plane keeps anything here yet. */
  exists(): Promise<boolean>;
  /** The random name of this control plane, made once and durable before it is returned: 32 hexadecimal digits. */
  lineage(): Promise<string>;
  /** The same where it was made already, else null. Changes nothing. */
  knownLineage(): Promise<string | null>;
  /**
   * Takes the locks of all scopes or of none. Every lock taken raises the epoch of its scope by one, durably, before this
   * returns. Throws `OpsError` `locked` (exit 5), naming the holder, when a live or unknown process has one of them.
   */
  acquire(scopes: readonly string[], request: LockRequest): Promise<Lease>;
  /** Who holds what now, by scope. Changes nothing. */
  holders(): Promise<readonly LockHolder[]>;
  /**
   * Asks the holder of this epoch of a lock to stop at its next safe boundary; its lease says so. False where it does not hold it any
   * more: whoever does now was not meant.
   */
  askToStop(scope: string, epoch: bigint, by: StopRequest): Promise<boolean>;
  /** Frees a lock whatever its holder does; the next holder's epoch fences the old one. Null when nobody held it. */
  breakLock(scope: string): Promise<LockHolder | null>;
  /** The last published table of a keyspace. */
  routes(keyspace: string): Promise<StoredDocument | null>;
  /** The keyspaces that have a table, sorted. */
  routedKeyspaces(): Promise<readonly string[]>;
  /** Stores a table, durably. Throws `stale-routes` when the stored version is higher, or equal with another text. */
  putRoutes(keyspace: string, routes: StoredDocument): Promise<void>;
  /** The last published policy for users. */
  policy(): Promise<StoredDocument | null>;
  /** Stores it, durably. Throws `stale-policy` as `putRoutes` does. */
  putPolicy(policy: StoredDocument): Promise<void>;
  /** Makes a run with an empty journal, durably, and whole or not at all. Throws when the id is taken. */
  createRun(run: string, plan: string): Promise<void>;
  /** Ids of all runs, oldest first. */
  runs(): Promise<readonly string[]>;
  /** For people: where a run is kept. */
  placeOf(run: string): string;
  /** The text of the run's plan. Throws `no-such-run` (exit 64), or `damaged-run` (exit 1) for a run without it. */
  plan(run: string): Promise<string>;
  /** The bytes of the run's journal, for reading only; none where it has no journal. Throws `no-such-run` (exit 64). */
  readJournal(run: string): Promise<Uint8Array>;
  /** The journal, for the one process that holds the run's locks. Throws as `plan` does. */
  openJournal(run: string): Promise<JournalLog>;
}

export interface StoredDocument {
  readonly version: number;
  readonly text: string;
}

export interface LockRequest {
  readonly run: string;
  /** `user@host`, for people. */
  readonly actor: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface StopRequest {
  /** `user@host`, for people. */
  readonly actor: string;
  /** As it was typed. */
  readonly command: string;
}

export interface LockHolder {
  readonly scope: string;
  readonly epoch: bigint;
  readonly run: string;
  readonly actor: string;
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Whether the process still runs: `unknown` when it cannot be told from here. */
  readonly alive: "yes" | "no" | "unknown";
}

/** Locks that this process holds. */
export interface Lease {
  readonly epochs: Readonly<Record<string, bigint>>;
  /** What a person should know: whose dead lock was taken over. */
  readonly notes: readonly string[];
  /** Who wants this process to stop at its next safe boundary; null while nobody does. */
  stopRequest(): Promise<StopRequest | null>;
  release(): Promise<void>;
}

/** An append-only file of lines. */
export interface JournalLog {
  read(): Promise<Uint8Array>;
  /** Adds lines (without their newlines); durable when this returns. After a failure nothing more can be appended. */
  append(lines: readonly string[]): Promise<void>;
  /** Cuts the log to its first `bytes` bytes, durably. */
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}
