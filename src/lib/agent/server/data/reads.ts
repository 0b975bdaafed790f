import type { Place } from "../../../engines/contract.js";
import { keyOf } from "../../../engines/place.js";
import { POSITION_END, type Segment } from "../../../keyspace/segment.js";
import { readable } from "../../../ownership/copy.js";
import { comparePositions, formatPosition, ORIGIN } from "../../../ownership/position.js";
import type { LogPosition } from "../../../ownership/types.js";
import { MAX_VALUE_BYTES } from "../../protocol/headers.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Holding } from "../holdings.js";
import type { DataDeps } from "./deps.js";
import type { Standing } from "./owners.js";

/** Of a range: a page ends with the row that reaches it. */
const MAX_PAGE_BYTES = 8 * MAX_VALUE_BYTES;

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

/** Reads of what this node holds, at the primary or a copy. */
export class Reads {
  readonly #deps: DataDeps;

  constructor(deps: DataDeps) {
    this.#deps = deps;
  }

  /** Throws `wrong-node`, `not-readable`, `bad-key`. */
  read(keyspace: string, keyText: string, atLeast: LogPosition | null): ReadResult {
    const { position, place } = this.#deps.shardings.locate(keyspace, keyText);
    const began = performance.now();
    let holding: Holding;
    try {
      holding = this.#readableAt(keyspace, position, atLeast);
    } catch (error) {
      const failed = error instanceof ProblemError && error.problem.code === "not-readable";
      if (failed) this.#deps.stats.record(keyspace, "reads", performance.now() - began, true);
      throw error;
    }
    const standing = this.#deps.owners.standing(holding);
    const value = this.#deps.engine.get(keyspace, place);
    const now = performance.now();
    this.#deps.stats.record(keyspace, "reads", now - began, false);
    this.#deps.accesses.record(keyspace, position, keyText.length + (value?.length ?? 0), now);
    if (holding.state.durable.role === "primary") return { ...standing, value };
    return { ...standing, value, lagMs: holding.link.staleMs() };
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
    this.#deps.shardings.of(keyspace);
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
      const owner = this.#deps.owners.at(keyspace, end)?.url ?? null;
      return { rows, after: null, rest: { from: end, owner } };
    } finally {
      view.close();
    }
  }

  #readableAt(keyspace: string, position: bigint, atLeast: LogPosition | null): Holding {
    const holding = this.#deps.holdings.at(keyspace, position);
    if (holding === null) throw this.#deps.owners.wrongNode(keyspace, position);
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
      if (holding.state.durable.role !== "primary")
        throw this.#deps.owners.wrongNode(keyspace, position);
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
}
