import type { Engine, Place, Txn } from "../../engines/contract.js";
import { keyOf, placeOf } from "../../engines/place.js";
import { parseKey, positionOf, type Sharding } from "../../keyspace/key.js";
import { POSITION_END, type Segment } from "../../keyspace/segment.js";
import { readable } from "../../ownership/copy.js";
import { acceptsWrites } from "../../ownership/permissions.js";
import {
  comparePositions,
  formatPosition,
  knownGeneration,
  ORIGIN,
} from "../../ownership/position.js";
import type { LogPosition } from "../../ownership/types.js";
import { OpsError } from "../../errors.js";
import { MAX_VALUE_BYTES } from "../protocol/headers.js";
import { ProblemError } from "../protocol/problem.js";
import type { AccessMap } from "./access-map.js";
import type { AccessStats } from "./access-stats.js";
import type { Acknowledgements } from "./acknowledgements.js";
import type { Holding, Holdings } from "./holdings.js";
import type { Routes } from "./routes.js";

const RETRY_MOVING_MS = 5;
/** Of a range: a page ends with the row that reaches it. */
const MAX_PAGE_BYTES = 8 * MAX_VALUE_BYTES;
const SHARDING = "sharding";

export interface DataDeps {
  readonly self: string;
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly routes: Routes;
  readonly stats: AccessStats;
  readonly accesses: AccessMap;
  readonly acks: Acknowledgements;
}

/** Where an answer stands. */
export interface Standing {
  readonly generation: bigint;
  readonly position: LogPosition;
}

export interface ReadResult extends Standing {
  readonly value: Buffer | null;
  /** Of a replica: how stale the answer may be, ms; null when that is not known. Undefined at the primary. */
  readonly lagMs?: number | null;
}

/** A part of a range. */
export interface ScanResult {
  readonly rows: readonly { readonly key: string; readonly value: Buffer }[];
  /** The last row, when the page was full before this node's part of the range ended. */
  readonly after: Place | null;
  /** Where this node's part ended before the range did, with all of it given; who takes the accesses there, as far as known. */
  readonly rest: { readonly from: bigint; readonly owner: string | null } | null;
}

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

/** The data of this node: every access checks who the node is for that position, writes inside the transaction itself. */
export class Data {
  readonly #deps: DataDeps;
  /** Until the holdings change: it is another one only after the node held nothing of the keyspace. */
  readonly #shardings = new Map<string, Sharding>();

  constructor(deps: DataDeps) {
    this.#deps = deps;
    deps.holdings.onChange(() => this.#shardings.clear());
  }

  /** How the keyspace is cut. Stored with the first entry of it. Throws 404 `no-keyspace`. */
  sharding(keyspace: string): Sharding {
    const cached = this.#shardings.get(keyspace);
    if (cached !== undefined) return cached;
    const known = this.#deps.engine.document<Sharding>(SHARDING, keyspace);
    if (known === null) {
      throw new ProblemError(
        404,
        "no-keyspace",
        `this node holds nothing of a keyspace ${keyspace}`,
        {
          hint: "Ask an agent for the routes: GET /v1/routes.",
        },
      );
    }
    this.#shardings.set(keyspace, known);
    return known;
  }

  /** Throws `other-sharding` while the node holds something of the keyspace that is cut otherwise. */
  static declare(txn: Txn, keyspace: string, sharding: Sharding): void {
    const known = txn.document<Sharding>(SHARDING, keyspace);
    if (known === sharding) return;
    if (known !== null && txn.entries().some((entry) => entry.keyspace === keyspace)) {
      throw new ProblemError(
        409,
        "other-sharding",
        `${keyspace} is sharded by ${known} on this node, not by ${sharding}`,
      );
    }
    txn.putDocument(SHARDING, keyspace, sharding);
  }

  /** Throws `wrong-node`, `not-readable`, `bad-key`. */
  read(keyspace: string, keyText: string, atLeast: LogPosition | null): ReadResult {
    const { position, place } = this.#locate(keyspace, keyText);
    const began = performance.now();
    let holding: Holding;
    try {
      holding = this.#readableAt(keyspace, position, atLeast);
    } catch (error) {
      const failed = error instanceof ProblemError && error.problem.code === "not-readable";
      if (failed) this.#deps.stats.record(keyspace, "reads", performance.now() - began, true);
      throw error;
    }
    const standing = this.#standing(holding);
    const value = this.#deps.engine.get(keyspace, place);
    const now = performance.now();
    this.#deps.stats.record(keyspace, "reads", now - began, false);
    this.#deps.accesses.record(keyspace, position, keyText.length + (value?.length ?? 0), now);
    if (holding.state.durable.role === "primary") return { ...standing, value };
    return { ...standing, value, lagMs: holding.link.staleMs() };
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
        return { write, ...this.#locate(keyspace, write.key) };
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
    const { acks, holdings, routes } = this.#deps;
    const holding = holdings.at(keyspace, position);
    const role = holding?.state.durable.role ?? null;
    if (holding === null || role === "follower") return this.wrongNode(keyspace, position);
    // Whoever comes with older routes would write to what is about to be deleted.
    if (!routes.mayLeadTo(keyspace, { lo: position, hi: position + 1n }))
      return this.#nobodys(keyspace, position);
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
      return this.wrongNode(keyspace, position, why);
    }
    const refused = acks.refusal(keyspace, position);
    if (refused !== null) return refused;
    const at = txn.change({ keyspace, place, value: write.value }, null);
    return { generation, position: at };
  }

  /** All positions of the keyspace, as far as this node knows. */
  domain(keyspace: string): Segment {
    return this.#deps.routes.domain(keyspace) ?? { lo: 0n, hi: POSITION_END };
  }

  /**
   * Rows from position `lo` on in order, at most `limit`, after `after`: up to `hi`, or to where this node cannot go on without
   * a gap. Throws like `read` when it has nothing at `lo`.
   */
  scan(keyspace: string, { lo, hi }: Segment, after: Place | null, limit: number): ScanResult {
    this.sharding(keyspace);
    const began = performance.now();
    const end = this.#readableEnd(keyspace, lo, hi);
    const view = this.#deps.engine.read();
    try {
      const most = { rows: limit, bytes: MAX_PAGE_BYTES };
      const page = view.scan(keyspace, { lo, hi: end }, after, most);
      const rows = page.rows.map(({ place, value }) => ({ key: keyOf(place), value }));
      const last = page.rows.at(-1)?.place ?? null;
      this.#deps.stats.record(keyspace, "reads", performance.now() - began, false);
      if (!page.done) return { rows, after: last, rest: null };
      if (end === hi) return { rows, after: null, rest: null };
      const owner = this.#ownerAt(keyspace, end)?.url ?? null;
      return { rows, after: null, rest: { from: end, owner } };
    } finally {
      view.close();
    }
  }

  /** 421: who takes the accesses of that position, as far as this node knows. Outside of the domain nobody will. */
  wrongNode(
    keyspace: string,
    position: bigint,
    why = `this node does not take that access of ${keyspace} at ${position}`,
  ): ProblemError {
    const owner = this.#ownerAt(keyspace, position);
    const domain = this.#deps.routes.domain(keyspace);
    if (owner === null && domain !== null && (position < domain.lo || position >= domain.hi)) {
      const where = `${position} is outside of the domain of ${keyspace}, [${domain.lo}, ${domain.hi})`;
      return new ProblemError(421, "wrong-node", where, { owner: null, node: null });
    }
    return new ProblemError(421, "wrong-node", why, {
      retryable: true,
      owner: owner?.url ?? null,
      node: owner?.node ?? null,
      generation: owner?.generation.toString() ?? null,
    });
  }

  #nobodys(keyspace: string, position: bigint): ProblemError {
    const message = `no routes lead to ${keyspace} at ${position} any more, as far as this node knows`;
    return new ProblemError(421, "wrong-node", message, {
      retryable: true,
      owner: null,
      node: null,
      hint: "Not applied. Ask an agent for the routes: GET /v1/routes.",
    });
  }

  #ownerAt(
    keyspace: string,
    position: bigint,
  ): { node: string; url: string | null; generation: bigint } | null {
    const { holdings, routes, self } = this.#deps;
    const holding = holdings.at(keyspace, position);
    const route = routes.segmentAt(keyspace, position);
    let owner =
      route === null
        ? null
        : { node: route.writer, url: routes.urlOf(route.writer), generation: route.generation };
    if (holding !== null && holding.state.durable.role === "primary") {
      owner = { node: self, url: routes.urlOf(self), generation: holding.state.durable.generation };
    } else if (holding?.entry.link) {
      const generation = this.#standing(holding).generation;
      const { node, url } = holding.entry.link.source;
      if (owner === null || owner.node === self || generation > owner.generation)
        owner = { node, url, generation };
    }
    return owner;
  }

  #locate(keyspace: string, keyText: string): { position: bigint; place: Place } {
    const sharding = this.sharding(keyspace);
    try {
      const key = parseKey(keyText);
      const position = positionOf(sharding, key.uid);
      return { position, place: placeOf(position, keyText) };
    } catch (error) {
      if (!(error instanceof OpsError)) throw error;
      throw new ProblemError(
        400,
        "bad-key",
        error.message,
        error.hint === undefined ? {} : { hint: error.hint },
      );
    }
  }

  #readableAt(keyspace: string, position: bigint, atLeast: LogPosition | null): Holding {
    const holding = this.#deps.holdings.at(keyspace, position);
    if (holding === null) throw this.wrongNode(keyspace, position);
    if (!this.#isReadable(holding)) {
      throw new ProblemError(
        503,
        "not-readable",
        `the copy of ${keyspace} at ${position} here is not complete yet`,
        {
          retryable: true,
        },
      );
    }
    const cursor = this.#deps.engine.cursor(keyspace, holding.lo) ?? ORIGIN;
    if (atLeast !== null && comparePositions(cursor, atLeast) < 0) {
      if (holding.state.durable.role !== "primary") throw this.wrongNode(keyspace, position);
      throw new ProblemError(
        412,
        "position-ahead",
        `the writer of ${keyspace} at ${position} stands at ${formatPosition(cursor)}, before ${formatPosition(atLeast)}`,
        { hint: "Ops-Min-Position is not of this keyspace, or of another cluster." },
      );
    }
    return holding;
  }

  /** How far this node can read from `lo` on without a gap, at most to `hi`. Throws when it cannot read at `lo`. */
  #readableEnd(keyspace: string, lo: bigint, hi: bigint): bigint {
    const { holdings } = this.#deps;
    let end = this.#readableAt(keyspace, lo, null).hi;
    while (end < hi) {
      const next = holdings.at(keyspace, end);
      if (next === null || !this.#isReadable(next)) return end;
      end = next.hi;
    }
    return hi;
  }

  #isReadable({ keyspace, lo, entry: { link } }: Holding): boolean {
    const cursor = this.#deps.engine.cursor(keyspace, lo) ?? ORIGIN;
    return link === null || readable(link.copy, cursor);
  }

  #standing(holding: Holding): Standing {
    const position = this.#deps.engine.cursor(holding.keyspace, holding.lo) ?? ORIGIN;
    return { generation: knownGeneration(holding.state.durable, position), position };
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
