import { ProblemError } from "../protocol/problem.js";
import type { FollowerStreams } from "./follower-streams.js";
import type { Holdings } from "./holdings.js";
import type { Routes } from "./routes.js";

/** Longest wait for a follower. Clients are patient for longer, and so are told how the write stands. */
const WAIT_MS = 3_000;
/** Writes that may wait at once, in all keyspaces. */
const MOST_WAITING = 20_000;
/** A follower asks anew at once when a segment is cut or has changed hands. */
const RETRY_MS = 20;

/** A write that is flushed here. */
export interface Flushed {
  /** Of the key in the keyspace. */
  readonly position: bigint;
  readonly generation: bigint;
  /** In this node's log. */
  readonly sequence: bigint;
}

export interface AcknowledgementsDeps {
  readonly self: string;
  readonly holdings: Holdings;
  readonly routes: Pick<Routes, "settings" | "setOf" | "onChange">;
  readonly streams: FollowerStreams;
  /** Of a write: for how long it waited, and whether a follower has it. */
  readonly onEnd: (keyspace: string, ms: number, acknowledged: boolean) => void;
}

/** Writes of one commit. */
interface Waiter {
  readonly began: number;
  open: Flushed[];
  readonly end: () => void;
}

/**
 * Which writes of keyspaces with `ack: follower` may be made and acknowledged: those that a follower in another set has flushed. A
 * node that has taken the segment over is such a follower, as it had everything before.
 */
export class Acknowledgements {
  readonly #deps: AcknowledgementsDeps;
  readonly #waiters = new Map<string, Set<Waiter>>();
  #waiting = 0;
  #closed = false;

  constructor(deps: AcknowledgementsDeps) {
    this.#deps = deps;
    deps.streams.onReport((keyspace, through) => this.#look(keyspace, through));
    const lookAtAll = () => {
      for (const keyspace of this.#waiters.keys()) this.#look(keyspace, null);
    };
    deps.holdings.onChange(lookAtAll);
    deps.routes.onChange(lookAtAll);
  }

  /** Writes that are being made or wait for a follower. */
  get waiting(): number {
    return this.#waiting;
  }

  needsFollower(keyspace: string): boolean {
    return this.#deps.routes.settings(keyspace).ack === "follower";
  }

  /** Takes places for writes that will wait; null when there are not so many. Give them back with `leave`. */
  enter(keyspace: string, writes: number): number | null {
    if (!this.needsFollower(keyspace)) return 0;
    if (this.#waiting + writes > MOST_WAITING) return null;
    this.#waiting += writes;
    return writes;
  }

  leave(places: number): void {
    this.#waiting -= places;
  }

  /** Why a write at the position must not be made now; null when it may. */
  refusal(keyspace: string, position: bigint): ProblemError | null {
    if (!this.needsFollower(keyspace)) return null;
    for (const node of this.#deps.streams.listeners(keyspace, position))
      if (this.#isElsewhere(keyspace, node)) return null;
    return new ProblemError(
      503,
      "no-follower",
      `no follower in another set listens for the writes of ${keyspace} at ${position}`,
      {
        retryable: true,
        retryAfterMs: RETRY_MS,
        hint: "Not applied: nobody could acknowledge it. Bring a replica in another set back, or change the keyspace to `ack: local`.",
      },
    );
  }

  /** Of writes that need a follower. Resolves with those that must not be acknowledged: none in another set has flushed them in time. */
  async unacknowledged(keyspace: string, writes: readonly Flushed[]): Promise<readonly Flushed[]> {
    const open = writes.filter((write) => !this.#isHeld(keyspace, write));
    const began = performance.now();
    const { onEnd } = this.#deps;
    for (let i = open.length; i < writes.length; i += 1) onEnd(keyspace, 0, true);
    if (open.length === 0 || this.#closed) return open;
    let all = this.#waiters.get(keyspace);
    if (all === undefined) this.#waiters.set(keyspace, (all = new Set()));
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.end(), WAIT_MS);
      const waiter: Waiter = {
        began,
        open,
        end() {
          clearTimeout(timer);
          all.delete(waiter);
          for (const _ of waiter.open) onEnd(keyspace, performance.now() - began, false);
          resolve(waiter.open);
        },
      };
      all.add(waiter);
    });
  }

  /** Whoever waits is answered. */
  close(): void {
    this.#closed = true;
    for (const all of this.#waiters.values()) for (const waiter of all) waiter.end();
  }

  /** `through`: no follower has said more than that now; null for any. */
  #look(keyspace: string, through: bigint | null): void {
    const now = performance.now();
    for (const waiter of this.#waiters.get(keyspace) ?? []) {
      if (through !== null && waiter.open[0]!.sequence > through) continue;
      const before = waiter.open.length;
      waiter.open = waiter.open.filter((write) => !this.#isHeld(keyspace, write));
      for (let i = waiter.open.length; i < before; i += 1)
        this.#deps.onEnd(keyspace, now - waiter.began, true);
      if (waiter.open.length === 0) waiter.end();
    }
  }

  #isHeld(keyspace: string, { position, generation, sequence }: Flushed): boolean {
    const { streams, holdings } = this.#deps;
    if (!this.needsFollower(keyspace)) return true;
    for (const node of streams.holders(keyspace, position, sequence))
      if (this.#isElsewhere(keyspace, node)) return true;
    const handed = holdings.at(keyspace, position)?.entry.ownership.handed ?? null;
    return (
      handed !== null && handed.generation > generation && this.#isElsewhere(keyspace, handed.to)
    );
  }

  /** Of a node that is in no table nobody knows. */
  #isElsewhere(keyspace: string, node: string): boolean {
    const { routes, self } = this.#deps;
    const [home, set] = [routes.setOf(keyspace, self), routes.setOf(keyspace, node)];
    return home !== null && set !== null && home !== set;
  }
}
