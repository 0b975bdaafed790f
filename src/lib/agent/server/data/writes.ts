import type { Place, Txn } from "../../../engines/contract.js";
import { acceptsWrites } from "../../../ownership/permissions.js";
import { MAX_VALUE_BYTES } from "../../protocol/headers.js";
import { ProblemError } from "../../protocol/problem.js";
import type { DataDeps } from "./deps.js";
import type { Standing } from "./owners.js";

const RETRY_MOVING_MS = 5;

/** One write: `value` null deletes. */
export interface Write {
  readonly key: string;
  readonly value: Buffer | null;
  /** The generation that it was routed by; null for whatever it is. */
  readonly generation: bigint | null;
}

interface Located {
  readonly write: Write;
  readonly position: bigint;
  readonly place: Place;
}

export type WriteResult = Standing | ProblemError;

/** Writes that are flushed here, but for those that were refused. */
export interface Commit {
  /** In the order of the writes. Never rejects. */
  readonly acknowledged: Promise<readonly WriteResult[]>;
}

/** Writes at the primary: each checks who the node is for its position inside the transaction itself. */
export class Writes {
  readonly #deps: DataDeps;

  constructor(deps: DataDeps) {
    this.#deps = deps;
  }

  /** Resolves once the write is acknowledged. Throws `wrong-node`, `moving`, `bad-key`, `too-large`, and what `commit` answers. */
  async write(keyspace: string, write: Write): Promise<Standing> {
    const { acknowledged } = await this.commit(keyspace, [write]);
    const [result] = await acknowledged;
    if (result instanceof ProblemError) throw result;
    return result!;
  }

  /** All in one commit, each admitted or refused by itself. Resolves once that is flushed here. */
  async commit(keyspace: string, writes: readonly Write[]): Promise<Commit> {
    const began = performance.now();
    const { engine, stats, accesses, acks } = this.#deps;
    const located = writes.map((write) => {
      try {
        if ((write.value?.length ?? 0) > MAX_VALUE_BYTES) {
          throw new ProblemError(413, "too-large", `a value has at most ${MAX_VALUE_BYTES} bytes`);
        }
        return { write, ...this.#deps.shardings.locate(keyspace, write.key) };
      } catch (error) {
        if (error instanceof ProblemError) return error;
        throw error;
      }
    });
    const places = acks.enter(keyspace, writes.length);
    if (places === null) {
      const refused = located.map((one) => (one instanceof ProblemError ? one : tooManyWait()));
      return { acknowledged: Promise.resolve(refused) };
    }
    try {
      const results = await engine.write((txn) =>
        located.map((one) =>
          one instanceof ProblemError ? one : this.#writeOne(txn, keyspace, one),
        ),
      );
      const now = performance.now();
      let done = 0;
      for (const [i, one] of located.entries()) {
        if (one instanceof ProblemError || results[i] instanceof ProblemError) continue;
        const { key, value } = one.write;
        accesses.record(keyspace, one.position, key.length + (value?.length ?? 0), now);
        done += 1;
      }
      if (done > 0) stats.record(keyspace, "writes", now - began, false, done);
      const acknowledged = this.#acknowledge(keyspace, located, results);
      return { acknowledged: acknowledged.finally(() => acks.leave(places)) };
    } catch (error) {
      acks.leave(places);
      throw error;
    }
  }

  /** The results, once those that were made may be told. */
  async #acknowledge(
    keyspace: string,
    located: readonly (Located | ProblemError)[],
    results: readonly WriteResult[],
  ): Promise<readonly WriteResult[]> {
    const { acks } = this.#deps;
    if (!acks.needsFollower(keyspace)) return results;
    const made = results.map((result, i) => {
      const one = located[i]!;
      if (one instanceof ProblemError || result instanceof ProblemError) return null;
      const { generation, position } = result;
      return { position: one.position, generation, sequence: position.index };
    });
    const late = new Set(
      await acks.unacknowledged(
        keyspace,
        made.filter((one) => one !== null),
      ),
    );
    return results.map((result, i) => {
      const one = made[i];
      return one && late.has(one) ? notAcknowledged(keyspace, one.position) : result;
    });
  }

  #writeOne(txn: Txn, keyspace: string, { write, position, place }: Located): WriteResult {
    const { acks, holdings, owners, routes } = this.#deps;
    const holding = holdings.at(keyspace, position);
    const role = holding?.state.durable.role ?? null;
    if (holding === null || role === "follower") return owners.wrongNode(keyspace, position);
    // Whoever comes with older routes would write to what is about to be deleted.
    if (!routes.mayLeadTo(keyspace, { lo: position, hi: position + 1n }))
      return owners.nobodys(keyspace, position);
    // Also while this node is about to take over: who asks the old writer is sent back here.
    if (role !== "primary" || !acceptsWrites(holding.state)) {
      return new ProblemError(
        503,
        "moving",
        `${keyspace} at ${position} is moving to another node`,
        {
          retryable: true,
          retryAfterMs: RETRY_MOVING_MS,
          hint: "Not applied. Try again, with fresh routes if it goes on.",
        },
      );
    }
    const { generation } = holding.state.durable;
    if (write.generation !== null && write.generation !== generation) {
      const why = `this node takes the writes of ${keyspace} at ${position} in generation ${generation}, not ${write.generation}`;
      return owners.wrongNode(keyspace, position, why);
    }
    const refused = acks.refusal(keyspace, position);
    if (refused !== null) return refused;
    const at = txn.change({ keyspace, place, value: write.value }, null);
    return { generation, position: at };
  }
}

function tooManyWait(): ProblemError {
  return new ProblemError(503, "busy", "too many writes wait for a follower", {
    retryable: true,
    hint: "Not applied. See ops_writes_waiting in /metrics, and whether the followers keep up.",
  });
}

function notAcknowledged(keyspace: string, position: bigint): ProblemError {
  return new ProblemError(
    504,
    "ack-timeout",
    `no follower in another set has told in time that it has the write of ${keyspace} at ${position}`,
    {
      retryable: true,
      outcome: "unknown",
      hint: "It is applied here, and will be on the followers unless this node is lost before. Write it again, or read the key.",
    },
  );
}
