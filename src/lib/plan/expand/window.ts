import type { Segment } from "../../keyspace/segment.js";
import type { Field, Stretch } from "./field.js";
import { NOTHING, RESOURCES, type Vector } from "./vector.js";

export type Side = "lo" | "hi";

/** Whether so much given away is enough. */
export function covers(given: Vector, need: Vector): boolean {
  return given[0] >= need[0] && given[1] >= need[1] && given[2] >= need[2];
}

/** The demand of a whole cell. */
export function cellDemand({ loads }: Field, cell: number): Vector {
  return [loads[0][cell]!, loads[1][cell]!, loads[2][cell]!];
}

/** The shortest part from one end of a stretch that covers the need; null when the whole stretch does not. */
export function endWindow(
  field: Field,
  stretch: Stretch,
  side: Side,
  need: Vector,
): Segment | null {
  const [memory, ops, network] = field.loads;
  const [bytes, accesses, traffic] = need;
  const step = side === "lo" ? 1 : -1;
  let [a, b, c] = NOTHING;
  for (let i = side === "lo" ? stretch.from : stretch.to - 1; ; i += step) {
    if (i < stretch.from || i >= stretch.to) return null;
    const [nextA, nextB, nextC] = [a + memory[i]!, b + ops[i]!, c + network[i]!];
    if (nextA >= bytes && nextB >= accesses && nextC >= traffic) {
      const { lo, hi } = field.cell(i);
      const missing: Vector = [bytes - a, accesses - b, traffic - c];
      const positions = positionsFor(missing, cellDemand(field, i), hi - lo);
      return side === "lo"
        ? { lo: stretch.lo, hi: lo + positions }
        : { lo: hi - positions, hi: stretch.hi };
    }
    a = nextA;
    b = nextB;
    c = nextC;
  }
}

/** How many positions of a cell cover what is still needed: at least one, at most all. */
export function positionsFor(need: Vector, cell: Vector, width: bigint): bigint {
  let share = 0;
  for (const resource of RESOURCES) {
    if (need[resource] > 0) share = Math.max(share, need[resource] / cell[resource]);
  }
  if (share >= 1) return width;
  const positions = BigInt(Math.ceil(share * Number(width)));
  return positions < 1n ? 1n : positions > width ? width : positions;
}

/** The window of the fewest bytes, anywhere within a stretch, that covers the need; null when there is none. */
export function innerWindow(field: Field, stretch: Stretch, need: Vector): Segment | null {
  const [memory, ops, network] = field.loads;
  const [bytes, accesses, traffic] = need;
  let best: { from: number; to: number; bytes: number } | null = null;
  let [a, b, c] = NOTHING;
  let from = stretch.from;
  for (let to = stretch.from; to < stretch.to; to += 1) {
    a += memory[to]!;
    b += ops[to]!;
    c += network[to]!;
    while (
      from < to &&
      a - memory[from]! >= bytes &&
      b - ops[from]! >= accesses &&
      c - network[from]! >= traffic
    ) {
      a -= memory[from]!;
      b -= ops[from]!;
      c -= network[from]!;
      from += 1;
    }
    if (a < bytes || b < accesses || c < traffic) continue;
    if (best === null || a < best.bytes) best = { from, to: to + 1, bytes: a };
  }
  if (best === null) return null;
  const within = { lo: field.cell(best.from).lo, hi: field.cell(best.to - 1).hi };
  // The cell at the upper end is cut where the need is covered.
  return endWindow(field, { ...within, from: best.from, to: best.to }, "lo", need) ?? within;
}
