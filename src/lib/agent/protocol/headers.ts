/** Header names, in the lower case in which Node hands them over. */
export const HEADER = {
  scope: "ops-scope",
  epoch: "ops-epoch",
  lineage: "ops-lineage",
  generation: "ops-generation",
  position: "ops-position",
  minPosition: "ops-min-position",
  lagMs: "ops-lag-ms",
  process: "ops-process",
  /** Of a change stream: what a follower names it by when it acknowledges. */
  stream: "ops-stream",
  next: "ops-next",
  nextOwner: "ops-next-owner",
} as const;

/** On whose behalf something is changed: the run's fencing token in its scope, and the control plane in which it counts. */
export interface Authority {
  /** `keyspace/K` or `schedule`. */
  readonly scope: string;
  readonly epoch: bigint;
  readonly lineage: string;
}

/** Largest value of one key, bytes. */
export const MAX_VALUE_BYTES = 1024 * 1024;
/** Largest body of one batch, bytes. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;
/** Longest long-poll, milliseconds. */
export const MAX_WAIT_MS = 20_000;
