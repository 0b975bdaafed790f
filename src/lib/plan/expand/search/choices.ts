import type { Position } from "../../../keyspace/segment.js";
import type { Field } from "../field.js";
import { loadOf, MEMORY, minus, NOTHING, plus, type Vector } from "../vector.js";

/** The keys of one uid: they move together. */
export interface Unit {
  readonly position: Position;
  readonly demand: Vector;
}

/** One way to choose which units of a shard move: not all of them. */
export interface Choice {
  /** Load of what stays. */
  readonly level: number;
  readonly moved: readonly Unit[];
  readonly demand: Vector;
  readonly bytes: number;
  /** Of the new shards together. */
  readonly load: number;
  /** The same for choices of units alike. */
  readonly likeness: string;
  /** Segments that stay. */
  readonly kept: number;
  /** The segments that the shard adds to the whole at least: a moved run that ends at a border may share its segment there. */
  readonly segments: number;
}

function unitsOf(field: Field): Unit[] {
  return field.stretches.flatMap(({ lo, hi }) =>
    Array.from({ length: Number(hi - lo) }, (_, i) => {
      const position = lo + BigInt(i);
      return { position, demand: field.demand({ lo: position, hi: position + 1n }) };
    }),
  );
}

/** All choices: of fewer bytes first, among equals of less load. `added`: the capacity of the new shards together. */
export function choicesOf(field: Field, added: Vector): Choice[] {
  const units = unitsOf(field);
  const borders = new Set(field.stretches.flatMap(({ lo, hi }) => [lo, hi]));
  const choices: Choice[] = [];
  for (let mask = 0; mask < 2 ** units.length - 1; mask += 1) {
    const moved = units.filter((_, i) => (mask >> i) & 1);
    const demand = moved.reduce((all, one) => plus(all, one.demand), NOTHING);
    const stays = units.filter((_, i) => !((mask >> i) & 1));
    const runs = runsOf(moved);
    const shared = runs.reduce(
      (count, { lo, hi }) => count + Number(borders.has(lo)) + Number(borders.has(hi)),
      0,
    );
    const kept = runsOf(stays).length;
    choices.push({
      level: loadOf(minus(field.total, demand), field.shard.capacity),
      moved,
      demand,
      bytes: demand[MEMORY],
      load: loadOf(demand, added),
      likeness: moved
        .map((unit) => unit.demand.join())
        .toSorted()
        .join(";"),
      kept,
      segments: kept + runs.length - shared / 2,
    });
  }
  return choices.sort((a, b) => a.bytes - b.bytes || a.load - b.load);
}

function runsOf(units: readonly Unit[]): { lo: Position; hi: Position }[] {
  const runs: { lo: Position; hi: Position }[] = [];
  for (const { position } of units) {
    const last = runs.at(-1);
    if (last?.hi === position) last.hi = position + 1n;
    else runs.push({ lo: position, hi: position + 1n });
  }
  return runs;
}
