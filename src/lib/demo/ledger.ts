/** What a read found: the sequence number in the value, null for no such key. */
export type Seen = number | null;

export type Verdict =
  | "right"
  /** An acknowledged write is not there: an older value is, or none. */
  | "lost"
  /** The key was deleted, acknowledged, and has a value again. */
  | "resurrected"
  /** A value that nobody wrote to this key. */
  | "foreign";

interface Attempt {
  readonly sequence: number;
  readonly deletes: boolean;
}

const NEVER = 0;
const VALUE = 1;
const DELETED = 2;

/**
 * Everything that was acknowledged, by slot (a number for each key), and what is not known. At most one write of a slot is under
 * way at a time. Sequence numbers rise from 1 in each slot, so an older value is told from a newer one.
 */
export class Ledger {
  readonly slots: number;
  /** Of the last acknowledged write or delete. */
  readonly #state: Uint8Array;
  readonly #acked: Uint32Array;
  readonly #tried: Uint32Array;
  readonly #count: Uint32Array;
  readonly #busy: Uint8Array;
  /** Writes since the last acknowledged one that may have taken effect. */
  readonly #unknown = new Map<number, Attempt[]>();
  /** Slots in which a lost request may still take effect: not written any more. */
  readonly #closed = new Set<number>();
  /** Acknowledged writes and deletes. */
  acked = 0;
  unknown = 0;

  constructor(slots: number) {
    this.slots = slots;
    this.#state = new Uint8Array(slots);
    this.#acked = new Uint32Array(slots);
    this.#tried = new Uint32Array(slots);
    this.#count = new Uint32Array(slots);
    this.#busy = new Uint8Array(slots);
  }

  /** The sequence number for the next write of the slot, or null while it may not be written. */
  begin(slot: number): number | null {
    if (this.#busy[slot] === 1 || this.#closed.has(slot)) return null;
    this.#busy[slot] = 1;
    return ++this.#tried[slot]!;
  }

  acknowledged(slot: number, sequence: number, deletes: boolean): void {
    this.#state[slot] = deletes ? DELETED : VALUE;
    this.#acked[slot] = sequence;
    this.#count[slot]! += 1;
    this.#busy[slot] = 0;
    this.#unknown.delete(slot);
    this.acked += 1;
  }

  /** Nothing changed, for certain. */
  failed(slot: number): void {
    this.#busy[slot] = 0;
  }

  /** It took effect or not; `open`: it may even take effect later. */
  undecided(slot: number, sequence: number, deletes: boolean, open: boolean): void {
    const attempts = this.#unknown.get(slot) ?? [];
    this.#unknown.set(slot, [...attempts, { sequence, deletes }]);
    if (open) this.#closed.add(slot);
    this.#busy[slot] = 0;
    this.unknown += 1;
  }

  /** Changes with every write of the slot that begins; null while one is under way. */
  stamp(slot: number): number | null {
    return this.#busy[slot] === 1 ? null : this.#tried[slot]!;
  }

  /** Acknowledged writes and deletes of the slot: what reading it back checks. */
  countOf(slot: number): number {
    return this.#count[slot]!;
  }

  /** Judges what a read found that must see every acknowledged write: at the writer, or at a copy that has caught up. */
  judge(slot: number, seen: Seen): Verdict {
    const unknown = this.#unknown.get(slot) ?? [];
    if (unknown.some(({ sequence, deletes }) => (deletes ? seen === null : seen === sequence)))
      return "right";
    const state = this.#state[slot]!;
    if (seen === null) return state === VALUE ? "lost" : "right";
    if (state === VALUE && seen === this.#acked[slot]) return "right";
    // Above what was ever tried, or a later attempt that failed for certain.
    if (state === NEVER || seen > this.#acked[slot]!) return "foreign";
    return state === DELETED ? "resurrected" : "lost";
  }

  /** Judges a read of a copy that may be behind: only what nobody wrote is wrong. */
  judgeStale(slot: number, seen: Seen): Verdict {
    return seen !== null && (seen < 1 || seen > this.#tried[slot]!) ? "foreign" : "right";
  }
}
