import * as shipped from "../../../src/lib/ownership/copy.js";
import { ORIGIN } from "../../../src/lib/ownership/position.js";
import type { Copy, LogPosition } from "../../../src/lib/ownership/types.js";
import { Interned, type Model, type World } from "./explore.js";

/** The rules of a copy; mutants replace one. */
export const COPY_RULES = {
  chunkPinned: shipped.chunkPinned,
  copyFinished: shipped.copyFinished,
  readable: shipped.readable,
  wipes: true,
  acceptsFrame: shipped.acceptsFrame,
};
export type CopyRules = typeof COPY_RULES;

/** A row's value, 0 for none; each write has its own. */
type Rows = readonly number[];

interface Pair {
  readonly source: Rows;
  readonly log: readonly { readonly row: number; readonly value: number }[];
  /** The log begins after this many entries. */
  readonly trimmed: number;
  readonly target: Rows;
  readonly copy: Copy;
  readonly cursor: LogPosition;
  /** Up to where another copy of the source has come, which the target may be pointed at. */
  readonly lagging: number;
  readonly follows: "source" | "lagging";
  /** A snapshot that is being read, and where it was pinned. */
  readonly pinned: { readonly rows: Rows; readonly at: number } | null;
  readonly written: number;
  readonly trims: number;
  readonly crashes: number;
  readonly repoints: number;
}

interface Scope {
  readonly rows: number;
  readonly writes: number;
  readonly trims: number;
  readonly crashes: number;
  /** How often the target is pointed at the other of the source and a copy of it that lags behind; at 0 there is no such copy. */
  readonly repoints: number;
}

/**
 * A copy, chunk by chunk, while rows are put and deleted; the target crashes between pinning and storing, the log may be trimmed
 * under the copy, which then starts again, and another source, which may lag behind, goes on with it.
 */
export class Copying implements Model {
  readonly initial: World;
  readonly #pairs = new Interned<Pair>();
  readonly #scope: Scope;
  readonly #rules: CopyRules;

  constructor(scope: Scope, rules: CopyRules = COPY_RULES) {
    this.#scope = scope;
    this.#rules = rules;
    const none = Array.from({ length: scope.rows }, () => 0);
    this.initial = [
      this.#pairs.number({
        source: none,
        log: [],
        trimmed: 0,
        target: none,
        copy: shipped.newCopy(),
        cursor: ORIGIN,
        lagging: 0,
        follows: "source",
        pinned: null,
        written: 0,
        trims: 0,
        crashes: 0,
        repoints: 0,
      }),
    ];
  }

  violation([number]: World): string | null {
    const pair = this.#pairs.value(number!);
    if (!this.#rules.readable(pair.copy, pair.cursor)) return null;
    const then = rowsAt(pair, Number(pair.cursor.index));
    if (pair.target.join() === then.join()) return null;
    const back = pair.target.some((value, row) => value !== 0 && then[row] === 0);
    return back ? "DELETED ROW CAME BACK" : "A STATE THAT NEVER EXISTED";
  }

  successors([number]: World, emit: (label: string, world: World) => void): void {
    const pair = this.#pairs.value(number!);
    const { copy, pinned, cursor } = pair;
    const go = (label: string, change: Partial<Pair>) =>
      emit(label, [this.#pairs.number({ ...pair, ...change })]);
    const { rows, writes, trims, crashes, repoints } = this.#scope;
    // A copy keeps its own log; what its source has trimmed before it came so far is out of its reach.
    const [head, trimmed] =
      pair.follows === "source" ? [pair.log.length, pair.trimmed] : [pair.lagging, 0];

    if (pair.written < writes) {
      for (let row = 0; row < rows; row++) {
        const write = (value: number) => ({
          source: pair.source.with(row, value),
          log: [...pair.log, { row, value }],
          written: pair.written + 1,
        });
        go(`put ${row}`, write(pair.written + 1));
        if (pair.source[row] !== 0) go(`delete ${row}`, write(0));
      }
    }
    if (pair.trims < trims && pair.trimmed < pair.log.length) {
      go("log trimmed", { trimmed: pair.log.length, trims: pair.trims + 1 });
    }
    if (pinned !== null && pair.crashes < crashes)
      go("crash", { pinned: null, crashes: pair.crashes + 1 });
    if (repoints > 0 && pair.lagging < pair.log.length && pair.lagging >= pair.trimmed) {
      go("the lagging copy comes on", { lagging: pair.lagging + 1 });
    }
    if (pair.repoints < repoints) {
      const follows = pair.follows === "source" ? "lagging" : "source";
      go(`pointed at the ${follows}`, { follows, repoints: pair.repoints + 1 });
    }

    const needs = copy.phase === "copying" ? copy.first : cursor;
    if (needs !== null && !shipped.logReaches(at(trimmed), needs)) {
      const target = this.#rules.wipes ? pair.target.map(() => 0) : pair.target;
      go("starts again", { copy: shipped.newCopy(), target, cursor: ORIGIN, pinned: null });
      return;
    }
    if (copy.phase === "copying" && pinned === null) {
      go("pins", { pinned: { rows: rowsAt(pair, head), at: head } });
    }
    if (copy.phase === "copying" && pinned !== null) {
      const row = copy.key === null ? 0 : Number(copy.key) + 1;
      const value = pinned.rows[row]!;
      const target = value === 0 ? pair.target : pair.target.with(row, value);
      const stored = shipped.chunkStored(this.#rules.chunkPinned(copy, at(pinned.at)), String(row));
      const done = row === rows - 1 ? this.#rules.copyFinished(stored) : { copy: stored, cursor };
      go(`stores row ${row}`, { ...done, target, pinned: null });
    }
    if (copy.phase === "streaming" && cursor.index < head) {
      const { row, value } = pair.log[Number(cursor.index)]!;
      const position = at(Number(cursor.index) + 1);
      if (this.#rules.acceptsFrame(cursor, "link", { link: "link", prev: cursor, position })) {
        go(`replays ${row}`, { target: pair.target.with(row, value), cursor: position });
      }
    }
  }
}

/** The source's rows as they were after so many entries. */
function rowsAt({ source, log }: Pair, entries: number): Rows {
  const rows: number[] = source.map(() => 0);
  for (const { row, value } of log.slice(0, entries)) rows[row] = value;
  return rows;
}

function at(entries: number): LogPosition {
  return entries === 0 ? ORIGIN : { generation: 1n, index: BigInt(entries) };
}
