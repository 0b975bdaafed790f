import type { Position, Segment } from "../keyspace/segment.js";
import { lookup } from "../routing/lookup.js";
import type { RouteTable } from "../routing/table.js";

/** Who takes the writes of a position. */
export interface Writer {
  readonly url: string;
  readonly generation: bigint;
}

interface Hint extends Segment {
  readonly writer: Writer;
}

const HINTS_MAX = 1_000;

/**
 * What redirects taught about one keyspace since its table was made. A redirect names an owner but no range, so a hint covers
 * what lies between the redirects to one owner within one segment of the table; a wrong guess costs one more redirect.
 */
export class Hints {
  #hints: Hint[] = [];

  at(position: Position): Writer | null {
    return this.#hints.find((hint) => hint.lo <= position && position < hint.hi)?.writer ?? null;
  }

  /** `within` is the table's segment that holds the position. What was believed about it is forgotten. */
  learn(position: Position, writer: Writer, within: Segment): void {
    let hints = this.#hints.filter((hint) => position < hint.lo || position >= hint.hi);
    if (hints.length >= HINTS_MAX) hints = [];
    const after = hints.findIndex((hint) => hint.lo > position);
    const at = after < 0 ? hints.length : after;
    const joins = (hint: Hint | undefined): hint is Hint =>
      hint !== undefined &&
      within.lo <= hint.lo &&
      hint.hi <= within.hi &&
      same(hint.writer, writer);
    const left = hints[at - 1];
    const right = hints[at];
    const lo = joins(left) ? left.lo : position;
    const hi = joins(right) ? right.hi : position + 1n;
    const from = joins(left) ? at - 1 : at;
    hints.splice(from, (joins(right) ? at + 1 : at) - from, { lo, hi, writer });
    this.#hints = hints;
  }

  forget(position: Position): void {
    this.#hints = this.#hints.filter((hint) => position < hint.lo || position >= hint.hi);
  }

  /** A newer table came: only what it does not know yet stays. */
  outdate(table: RouteTable): void {
    const newer = ({ lo, hi, writer }: Hint): boolean =>
      [lo, hi - 1n].every((edge) => writer.generation > (lookup(table, edge)?.generation ?? 0n));
    this.#hints = this.#hints.filter(newer);
  }
}

function same(a: Writer, b: Writer): boolean {
  return a.url === b.url && a.generation === b.generation;
}
