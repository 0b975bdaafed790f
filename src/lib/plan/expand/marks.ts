import type { Segment } from "../../keyspace/segment.js";
import type { Field } from "./field.js";
import { minus, NOTHING, plus, type Vector } from "./vector.js";
import { cellDemand, covers, positionsFor, type Side } from "./window.js";

/** Cost of a cell for what it gains; infinite for one that must not be taken. */
export type Ratio = (cell: number) => number;

/** A free cell from which a run can grow: towards `end`, which is outside. */
interface Edge {
  cell: number;
  readonly step: 1 | -1;
  readonly end: number;
}

interface Part {
  readonly side: Side;
  readonly positions: bigint;
}

/** Cells of a shard that are to move: whole ones, and parts of some. */
export class Marks {
  readonly field: Field;
  readonly #taken: Uint8Array;
  readonly #parts = new Map<number, Part>();
  /** Of the whole cells. */
  #demand: Vector = NOTHING;

  constructor(field: Field) {
    this.field = field;
    this.#taken = new Uint8Array(field.cells);
  }

  has(cell: number): boolean {
    return this.#taken[cell] === 1;
  }

  take(cell: number): void {
    this.#taken[cell] = 1;
    this.#demand = plus(this.#demand, cellDemand(this.field, cell));
  }

  /** A part from one side of a free cell, at least the share of it and less than all. */
  takePart(cell: number, side: Side, share: number): void {
    const { lo, hi } = this.field.cell(cell);
    const positions = BigInt(Math.ceil(share * Number(hi - lo)));
    if (positions >= hi - lo) this.take(cell);
    else if (positions > 0n) this.#parts.set(cell, { side, positions });
  }

  /** Makes the one part as large as the need asks for; says whether that is less than the whole cell. */
  widenPart(need: Vector): boolean {
    const [part] = this.#parts;
    if (part === undefined) return false;
    const [cell, { side }] = part;
    const { lo, hi } = this.field.cell(cell);
    const missing = minus(need, this.#demand);
    const positions = positionsFor(missing, cellDemand(this.field, cell), hi - lo);
    if (positions < hi - lo) this.#parts.set(cell, { side, positions });
    return positions < hi - lo;
  }

  /** Parts of cells become the whole of them. */
  completeParts(): void {
    for (const cell of this.#parts.keys()) this.take(cell);
    this.#parts.clear();
  }

  get demand(): Vector {
    return this.#segments().reduce((all, part) => plus(all, this.field.demand(part)), this.#demand);
  }

  /**
   * Takes more until the need is covered: cells beside those that are taken, the cheapest first; where there are none, from an
   * end of a stretch, else from anywhere. The last one only in part. Says whether there was enough.
   */
  grow(need: Vector, ratio: Ratio): boolean {
    const edges = this.#edges();
    while (!covers(this.#demand, need)) {
      let edge = cheapestEdge(edges, ratio);
      if (edge === null) {
        edge = cheapestEdge(this.#ends(), ratio) ?? cheapestEdge(this.#free(), ratio);
        if (edge === null) return false;
        edges.push(edge);
      }
      const { cell, step, end } = edge;
      const { lo, hi } = this.field.cell(cell);
      const missing = minus(need, this.#demand);
      const positions = positionsFor(missing, cellDemand(this.field, cell), hi - lo);
      if (positions < hi - lo) {
        this.#parts.set(cell, { side: step === 1 ? "lo" : "hi", positions });
        return true;
      }
      this.take(cell);
      edge.cell += step;
      if (edge.cell === end || this.has(edge.cell)) edges.splice(edges.indexOf(edge), 1);
      const met = edges.findIndex((other) => other.cell === cell);
      if (met >= 0) edges.splice(met, 1);
    }
    return true;
  }

  /** Gives whole cells up again while the need stays covered, at the ends of runs, the dearest first. */
  trim(need: Vector, ratio: Ratio): void {
    for (;;) {
      const spare = minus(this.#demand, need);
      let dearest = -1;
      for (const { from, to } of this.field.stretches) {
        for (let i = from; i < to; i += 1) {
          if (!this.has(i)) continue;
          const inner = i > from && i + 1 < to && this.has(i - 1) && this.has(i + 1);
          if (inner || !covers(spare, cellDemand(this.field, i))) continue;
          if (dearest < 0 || ratio(i) > ratio(dearest)) dearest = i;
        }
      }
      if (dearest < 0) return;
      this.#taken[dearest] = 0;
      this.#demand = minus(this.#demand, cellDemand(this.field, dearest));
    }
  }

  /** What is to move, in order of position. */
  pieces(): Segment[] {
    const out: Segment[] = [];
    for (const { from, to, lo, hi } of this.field.stretches) {
      let start = -1;
      for (let i = from; i <= to; i += 1) {
        const inside = i < to && this.has(i);
        if (inside && start < 0) start = i;
        if (inside || start < 0) continue;
        out.push({
          lo: start === from ? lo : this.field.cell(start).lo,
          hi: i === to ? hi : this.field.cell(i).lo,
        });
        start = -1;
      }
    }
    return this.#parts.size === 0 ? out : joined([...out, ...this.#segments()]);
  }

  /** Of the parts. */
  #segments(): Segment[] {
    return [...this.#parts].map(([cell, { side, positions }]) => {
      const { lo, hi } = this.field.cell(cell);
      return side === "lo" ? { lo, hi: lo + positions } : { lo: hi - positions, hi };
    });
  }

  /** Free cells beside taken ones. */
  #edges(): Edge[] {
    const edges: Edge[] = [];
    for (const { from, to } of this.field.stretches) {
      for (let i = from; i < to; i += 1) {
        if (this.has(i)) continue;
        if (i > from && this.has(i - 1)) edges.push({ cell: i, step: 1, end: to });
        if (i + 1 < to && this.has(i + 1)) edges.push({ cell: i, step: -1, end: from - 1 });
      }
    }
    return edges;
  }

  /** The outermost cells of the stretches of which nothing is taken. */
  #ends(): Edge[] {
    return this.field.stretches.flatMap(({ from, to }): Edge[] =>
      this.has(from) || this.has(to - 1)
        ? []
        : [
            { cell: to - 1, step: -1, end: from - 1 },
            { cell: from, step: 1, end: to },
          ],
    );
  }

  #free(): Edge[] {
    return this.field.stretches.flatMap(({ from, to }) => {
      const cells: Edge[] = [];
      for (let i = from; i < to; i += 1)
        if (!this.has(i)) cells.push({ cell: i, step: 1, end: to });
      return cells;
    });
  }
}

function cheapestEdge(edges: readonly Edge[], ratio: Ratio): Edge | null {
  let best: Edge | null = null;
  let least = Infinity;
  for (const edge of edges) {
    const value = ratio(edge.cell);
    if (value < least) [best, least] = [edge, value];
  }
  return best;
}

/** Sorted; those that touch become one. */
function joined(segments: readonly Segment[]): Segment[] {
  const out: Segment[] = [];
  for (const segment of segments.toSorted((a, b) => (a.lo < b.lo ? -1 : 1))) {
    const last = out.at(-1);
    if (last?.hi === segment.lo) out[out.length - 1] = { lo: last.lo, hi: segment.hi };
    else out.push(segment);
  }
  return out;
}
