import type { Segment } from "../../keyspace/segment.js";
import type { Field } from "./field.js";
import { leastGiven, needAt } from "./level.js";
import type { Marks } from "./marks.js";
import { MEMORY, ROUNDING, sum, type Vector } from "./vector.js";

/** What a standing shard may give away to come down to a level. */
export interface Donor {
  readonly field: Field;
  /** How much of each resource is too much; negative where there is room. */
  readonly need: Vector;
  /** Fewest bytes, if cells could be divided at will. */
  readonly leastBytes: number;
  /** Most bytes that count as fewest. */
  readonly mostBytes: number;
}

/** Pieces of one shard, and what they carry. */
export interface Shed {
  readonly field: Field;
  readonly pieces: readonly Segment[];
  readonly demand: Vector;
}

/** Null when the shard does not stand above the level. */
export function donorAt(field: Field, level: number, bytesTolerance: number): Donor | null {
  const need = needAt(field, level);
  if (need.every((of) => of <= 0)) return null;
  const leastBytes = leastGiven(field, level, MEMORY);
  return { field, need, leastBytes, mostBytes: leastBytes * (1 + bytesTolerance) };
}

export function shedOf(field: Field, pieces: readonly Segment[]): Shed {
  return { field, pieces, demand: sum(pieces.map((piece) => field.demand(piece))) };
}

/** Null when that is nothing, or all. */
export function whenSome(field: Field, marks: Marks): Shed | null {
  const pieces = marks.pieces();
  return pieces.length === 0 || isAll(field, pieces) ? null : shedOf(field, pieces);
}

/** Whether nothing would be left of the shard. */
export function isAll(field: Field, pieces: readonly Segment[]): boolean {
  const width = (all: bigint, { lo, hi }: Segment): bigint => all + hi - lo;
  return pieces.reduce(width, 0n) === field.stretches.reduce(width, 0n);
}

/** A window cannot end within a position: what its last one holds more than is needed is no fault of it. */
export function isFew({ field, mostBytes }: Donor, { demand, pieces }: Shed): boolean {
  const [piece] = pieces;
  if (demand[MEMORY] <= mostBytes * (1 + ROUNDING)) return true;
  if (piece === undefined || pieces.length > 1) return false;
  const heaviest = Math.max(
    ...[piece.lo, piece.hi - 1n].map((at) => field.demand({ lo: at, hi: at + 1n })[MEMORY]),
  );
  return demand[MEMORY] - heaviest <= mostBytes;
}
