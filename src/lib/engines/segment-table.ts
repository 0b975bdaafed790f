import type { Position, Segment } from "../keyspace/segment.js";

interface Kept extends Segment {
  readonly keyspace: string;
}

/** In order, none of them empty. */
type Leaves<T> = readonly (readonly T[])[];

/** Above it a leaf is cut in two: what a change copies. */
const LEAF = 128;

/**
 * What a node holds by segment, sorted by keyspace and `lo`, without overlap. Immutable: a change gives a new table, which shares
 * all but one leaf with the old one, so that a transaction may change thousands of segments one by one.
 */
export class SegmentTable<T extends Kept> {
  readonly #keyspaces: ReadonlyMap<string, Leaves<T>>;
  #all: readonly T[] | null = null;

  private constructor(keyspaces: ReadonlyMap<string, Leaves<T>>) {
    this.#keyspaces = keyspaces;
  }

  /** They must not overlap. */
  static of<T extends Kept>(all: readonly T[]): SegmentTable<T> {
    const keyspaces = new Map<string, T[][]>();
    for (const one of all.toSorted((a, b) => (a.lo < b.lo ? -1 : 1))) {
      let leaves = keyspaces.get(one.keyspace);
      if (leaves === undefined) keyspaces.set(one.keyspace, (leaves = []));
      const last = leaves.at(-1);
      if (last === undefined || last.length >= LEAF / 2) leaves.push([Object.freeze(one)]);
      else last.push(Object.freeze(one));
    }
    return new SegmentTable(keyspaces);
  }

  all(): readonly T[] {
    this.#all ??= Object.freeze(
      [...this.#keyspaces.keys()].sort().flatMap((name) => this.#keyspaces.get(name)!.flat()),
    );
    return this.#all;
  }

  at(keyspace: string, position: Position): T | null {
    const leaves = this.#keyspaces.get(keyspace) ?? [];
    const leaf = leaves[leafOf(leaves, position)];
    const found = leaf?.[countUpTo(leaf, position) - 1];
    return found !== undefined && position < found.hi ? found : null;
  }

  exactly(keyspace: string, segment: Segment): T | null {
    const found = this.startingAt(keyspace, segment.lo);
    return found?.hi === segment.hi ? found : null;
  }

  startingAt(keyspace: string, lo: Position): T | null {
    const found = this.at(keyspace, lo);
    return found?.lo === lo ? found : null;
  }

  /** Those that hold a part of the segment, in order. */
  overlapping(keyspace: string, { lo, hi }: Segment): T[] {
    const leaves = this.#keyspaces.get(keyspace) ?? [];
    const found: T[] = [];
    let i = leafOf(leaves, lo);
    let j = Math.max(0, countUpTo(leaves[i] ?? [], lo) - 1);
    for (; i < leaves.length; i += 1, j = 0) {
      for (const leaf = leaves[i]!; j < leaf.length; j += 1) {
        const one = leaf[j]!;
        if (one.lo >= hi) return found;
        if (one.hi > lo) found.push(one);
      }
    }
    return found;
  }

  /** Replaces the one that starts where it does; must not overlap another. */
  with(one: T): SegmentTable<T> {
    const leaves = this.#keyspaces.get(one.keyspace) ?? [];
    const index = leafOf(leaves, one.lo);
    const leaf = leaves[index] ?? [];
    const before = countUpTo(leaf, one.lo);
    const replaced = leaf[before - 1]?.lo === one.lo ? 1 : 0;
    const next = leaf.toSpliced(before - replaced, replaced, Object.freeze(one));
    const parts = next.length > LEAF ? [next.slice(0, LEAF / 2), next.slice(LEAF / 2)] : [next];
    return this.#changed(one.keyspace, leaves.toSpliced(index, 1, ...parts));
  }

  without({ keyspace, lo }: T): SegmentTable<T> {
    const leaves = this.#keyspaces.get(keyspace) ?? [];
    const index = leafOf(leaves, lo);
    const leaf = leaves[index] ?? [];
    const at = countUpTo(leaf, lo) - 1;
    if (leaf[at]?.lo !== lo) return this;
    const next = leaf.toSpliced(at, 1);
    const parts = next.length === 0 ? [] : [next];
    return this.#changed(keyspace, leaves.toSpliced(index, 1, ...parts));
  }

  #changed(keyspace: string, leaves: Leaves<T>): SegmentTable<T> {
    const keyspaces = new Map(this.#keyspaces);
    if (leaves.length === 0) keyspaces.delete(keyspace);
    else keyspaces.set(keyspace, leaves);
    return new SegmentTable(keyspaces);
  }
}

/** The leaf in which what starts at the position is, or would be. */
function leafOf<T extends Segment>(leaves: Leaves<T>, position: Position): number {
  return Math.max(0, countWhere(leaves.length, (i) => leaves[i]![0]!.lo <= position) - 1);
}

/** How many start at or before the position. */
function countUpTo(leaf: readonly Segment[], position: Position): number {
  return countWhere(leaf.length, (i) => leaf[i]!.lo <= position);
}

/** The first index of which it does not hold, up to `length`; it must hold of all before. */
function countWhere(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
