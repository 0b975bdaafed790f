import { type Lane, laneAt } from "./lanes.js";

/** A change stream that a follower has open here. */
export interface FollowerStream {
  readonly id: string;
  readonly keyspace: string;
  /** Who follows. */
  readonly node: string;
  readonly lanes: readonly Lane[];
}

interface Known extends FollowerStream {
  /** Of this node's log: what is of the lanes up to here, the follower has flushed. Null before it has said anything on this stream. */
  flushed: bigint | null;
  /** When it last said anything, monotonic, ms. */
  heardAt: number;
}

/** A follower says at least once a second what it has. One that is silent for longer may be frozen or cut off, its stream still open. */
const SILENT_MS = 3_000;

/** Which followers listen here, and up to where each has flushed what it was sent. */
export class FollowerStreams {
  readonly #byId = new Map<string, Known>();
  readonly #byKeyspace = new Map<string, Set<Known>>();
  readonly #listeners: ((keyspace: string, through: bigint) => void)[] = [];

  /** Returns how to forget it. */
  open(stream: FollowerStream): () => void {
    const known: Known = { ...stream, flushed: null, heardAt: 0 };
    this.#byId.set(known.id, known);
    let all = this.#byKeyspace.get(known.keyspace);
    if (all === undefined) this.#byKeyspace.set(known.keyspace, (all = new Set()));
    all.add(known);
    return () => {
      this.#byId.delete(known.id);
      all.delete(known);
    };
  }

  /**
   * What the follower says on this very stream: what it had read on an earlier one says nothing of the segments of this one. Reports
   * may overtake each other.
   */
  report(id: string, through: bigint): void {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    known.heardAt = performance.now();
    if (known.flushed !== null && known.flushed >= through) return;
    known.flushed = through;
    for (const listener of this.#listeners) listener(known.keyspace, through);
  }

  /** Calls back when a follower has flushed more. */
  onReport(listener: (keyspace: string, through: bigint) => void): void {
    this.#listeners.push(listener);
  }

  /** The followers that listen for changes of the position now. */
  listeners(keyspace: string, position: bigint): Iterable<string> {
    return this.#nodes(keyspace, position, 0n, performance.now() - SILENT_MS);
  }

  /** The followers that have said of the position what they have, and have flushed it up to `through`. */
  holders(keyspace: string, position: bigint, through: bigint): Iterable<string> {
    return this.#nodes(keyspace, position, through, -Infinity);
  }

  *#nodes(
    keyspace: string,
    position: bigint,
    through: bigint,
    heardSince: number,
  ): Iterable<string> {
    for (const { node, lanes, flushed, heardAt } of this.#byKeyspace.get(keyspace) ?? []) {
      if (flushed === null || flushed < through || heardAt < heardSince) continue;
      const lane = laneAt(lanes, position);
      if (lane !== null && !lane.ended) yield node;
    }
  }
}
