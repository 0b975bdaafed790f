/** A piece of work between two nodes, such as a copy. */
export interface Pair {
  readonly node: string;
  readonly source: string;
  readonly bytes: bigint;
}

export interface Limits {
  /** Copies at once, into or out of one node. */
  readonly perNode: number;
  /** Copies at once. */
  readonly total: number;
}

/**
 * Waves in which no node is touched more than `perNode` times and that hold at most `total` pairs; every pair is in exactly
 * one. Largest first, so that a wave holds work of like size; ties keep their order.
 */
export function waves<P extends Pair>(pairs: readonly P[], limits: Limits): P[][] {
  const out: { readonly pairs: P[]; readonly touched: Map<string, number> }[] = [];
  const sorted = pairs.toSorted((a, b) => (a.bytes === b.bytes ? 0 : a.bytes > b.bytes ? -1 : 1));
  for (const pair of sorted) {
    const free = ({ pairs: taken, touched }: (typeof out)[number]) =>
      taken.length < limits.total &&
      [pair.node, pair.source].every((node) => (touched.get(node) ?? 0) < limits.perNode);
    let wave = out.find(free);
    if (!wave) {
      wave = { pairs: [], touched: new Map() };
      out.push(wave);
    }
    wave.pairs.push(pair);
    for (const node of [pair.node, pair.source])
      wave.touched.set(node, (wave.touched.get(node) ?? 0) + 1);
  }
  return out.map((wave) => wave.pairs);
}

/** As `waves`, but what `free` picks costs nothing and goes together in one wave, after the rest. */
export function wavesBut<P extends Pair>(
  pairs: readonly P[],
  limits: Limits,
  free: (pair: P) => boolean,
): P[][] {
  const costly = pairs.filter((pair) => !free(pair));
  const together = pairs.filter(free);
  return [...waves(costly, limits), ...(together.length > 0 ? [together] : [])];
}

/** By code unit: the same order on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
