import type { Peers } from "../client/peer.js";
import type { NodeRef } from "../protocol/json.js";
import type { Routes } from "./routes.js";
import type { Timings } from "./timings.js";

/** At least so often, for the source's log to be trimmed. */
const EVERY_MS = 1_000;
/** Reports under way at once: of what is flushed meanwhile only the last one is sent. */
const MOST_UNDER_WAY = 4;

export interface FlushReportsDeps {
  readonly self: string;
  readonly peers: Pick<Peers, "acknowledge">;
  readonly timings: Timings;
  readonly routes: Pick<Routes, "settings">;
}

/** Tells the source of one change stream up to where this node has flushed what it brought. */
export class FlushReports {
  readonly #deps: FlushReportsDeps;
  readonly #source: NodeRef;
  readonly #keyspace: string;
  /** As the source names it; null where it does not ask for reports. */
  readonly #stream: string | null;
  /** There is something to tell that writes may wait for. */
  #due = true;
  #reportedAt = -Infinity;
  #underWay = 0;
  #next: bigint | null = null;

  constructor(deps: FlushReportsDeps, source: NodeRef, keyspace: string, stream: string | null) {
    this.#deps = deps;
    this.#source = source;
    this.#keyspace = keyspace;
    this.#stream = stream;
  }

  /** Changes were flushed. */
  changed(): void {
    this.#due = true;
  }

  /** Everything of the stream up to `through` of the source's log, which then ended at `head`, is flushed. `now`: monotonic, ms. */
  flushed(through: bigint, head: bigint, now: number): void {
    // Where this node does not know yet that writes wait at the source, they do so a little longer.
    const isWaitedFor = this.#deps.routes.settings(this.#keyspace).ack === "follower";
    if (!(isWaitedFor && this.#due) && now - this.#reportedAt < EVERY_MS) return;
    this.#due = through < head;
    this.#reportedAt = now;
    if (this.#underWay < MOST_UNDER_WAY) void this.#send(through);
    else this.#next = through;
  }

  async #send(through: bigint): Promise<void> {
    const { self, peers, timings } = this.#deps;
    const { url } = this.#source;
    const told = { keyspace: this.#keyspace, node: self, through };
    const stream = this.#stream === null ? {} : { stream: this.#stream };
    const asked = performance.now();
    this.#underWay += 1;
    try {
      await peers.acknowledge(url, { ...told, ...stream });
      timings.answered(url, performance.now() - asked);
    } catch {
      this.#due = true;
    }
    this.#underWay -= 1;
    const next = this.#next;
    this.#next = null;
    if (next !== null) void this.#send(next);
  }
}
