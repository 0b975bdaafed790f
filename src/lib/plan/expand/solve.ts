import { subtract, union } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { EXIT, OpsError } from "../../errors.js";
import { Pieces } from "./pieces.js";
import { type Field, fieldsOf, type Measured, type Standing } from "./field.js";
import { crossedLevel, levelBound } from "./level.js";
import { type Limits, search, type Searched } from "./search/search.js";
import { segmentsBound } from "./segments-bound.js";
import { donorAt } from "./donor.js";
import { loadOf, MEMORY, NOTHING, plus, sum, type Vector } from "./vector.js";

export interface Problem {
  readonly standing: readonly Standing[];
  readonly added: readonly { readonly id: string; readonly capacity: Vector }[];
  readonly measured: readonly Measured[];
  /** How far the highest load may lie above the lowest possible, and the bytes above the fewest: shares, from 0 on. */
  readonly tolerance: number;
  readonly bytesTolerance: number;
}

/** What was reached, and what nothing can go below. */
export interface Figure {
  readonly value: number;
  readonly bound: number;
}

export interface Move {
  readonly from: string;
  readonly to: string;
  readonly segments: readonly Segment[];
  readonly demand: Vector;
}

export interface Solution {
  /** By new shard, in the order given, and within one by the order of the standing shards. */
  readonly moves: readonly Move[];
  /** The highest load of a shard before. */
  readonly before: number;
  /** No shard stands above this. */
  readonly level: number;
  readonly load: Figure;
  readonly bytes: Figure;
  readonly segments: Figure;
  /** Every choice was looked at: there is no better one. */
  readonly searched: boolean;
}

/** Throws OpsError `expand/no-gain` (exit 3) when the standing shards are within the tolerance of the best already. */
export function solve(problem: Problem): Solution {
  const { standing, added, measured, tolerance, bytesTolerance } = problem;
  const fields = fieldsOf(standing, measured);
  const capacities = added.map(({ capacity }) => capacity);
  const before = highest(fields);
  const bound = levelBound(fields, capacities);
  const limits = { bound, before, tolerance, bytesTolerance };
  const searched = search(fields, capacities, limits);
  if (searched === "no-gain") throw noGain(bound, before);
  const found = searched ?? lowestLevel(fields, capacities, limits);
  return { ...solutionOf(problem, fields, before, found), searched: searched !== null };
}

function highest(fields: readonly Field[]): number {
  return Math.max(...fields.map(({ total, shard }) => loadOf(total, shard.capacity)));
}

/** A cut is at a whole position, so without a tolerance a level may have to be a little higher than if it were not. */
const SLACKS = [0, 1e-6, 1e-5, 1e-4];
/** Into how many parts what is given away may be cut to fit; each is tried at one level before a higher one is. */
const PARTS = [1, 2, 4, 8, 16, 32, 64];
/** Steps from a level at which no way was found, and halvings between the last such and the first at which one was. */
const FIRST_STEP = 1e-3;
const HALVINGS = 6;

function lowestLevel(
  fields: readonly Field[],
  capacities: readonly Vector[],
  { bound: first, before, tolerance, bytesTolerance }: Limits,
): Searched {
  const slacks = tolerance < 1e-4 ? SLACKS : [0];
  const tried = (bound: number, wanted: number, plain: boolean): Searched | null => {
    const levels = slacks.map((slack) => wanted * (1 + slack)).filter((level) => level < before);
    // What was not few enough bytes for the new shards is tried again with fewer.
    for (const share of bytesTolerance > 0 && !plain ? [bytesTolerance, 0] : [bytesTolerance]) {
      const choices = levels.flatMap((level) => {
        const pieces = Pieces.at(fields, capacities, level, share);
        return pieces === null ? [] : [{ level, pieces }];
      });
      for (const parts of plain ? [1] : PARTS) {
        for (const { level, pieces } of choices) {
          const packing = pieces.pack(parts) ?? (plain ? null : pieces.packLeaner(parts));
          if (packing !== null) return { packing, level, bound };
        }
      }
    }
    return null;
  };
  const direct = tried(first, first * (1 + tolerance), true);
  if (direct !== null) return direct;
  const bound = crossedLevel(fields, capacities, first, before);
  let low = bound * (1 + tolerance);
  let best = tried(bound, low, false);
  for (let step = FIRST_STEP; best === null; step *= 2) {
    if (low >= before) throw noGain(bound, before);
    best = tried(bound, low * (1 + step), false);
    if (best === null) low *= 1 + step;
  }
  for (let i = 0; i < HALVINGS && best.level > low * (1 + FIRST_STEP); i += 1) {
    const middle: number = (low + best.level) / 2;
    const way = tried(bound, middle, false);
    if (way === null) low = middle;
    else best = way;
  }
  return best;
}

function noGain(bound: number, before: number): OpsError {
  const gain = ((before / bound - 1) * 100).toPrecision(2);
  return new OpsError(
    "expand/no-gain",
    EXIT.refused,
    `The new shards would bring nothing: the fullest shard is at most ${gain} % above the lowest level there is`,
    { hint: "Lower --tolerance, or add nodes of more capacity." },
  );
}

function solutionOf(
  { standing, added }: Problem,
  fields: readonly Field[],
  before: number,
  { packing, level, bound }: Searched,
): Omit<Solution, "searched"> {
  const donors = fields.flatMap((field) => donorAt(field, level, 0) ?? []);
  const moves: Move[] = [];
  const given = new Map<string, Segment[]>();
  let load = 0;
  let segments = 0;
  for (const [i, parts] of packing.entries()) {
    const { id: to, capacity } = added[i]!;
    segments += union(parts).length;
    load = Math.max(load, loadOf(sum(parts.map((part) => part.field.demand(part))), capacity));
    for (const field of new Set(parts.map((part) => part.field))) {
      const own = union(parts.filter((part) => part.field === field));
      const demand = sum(own.map((one) => field.demand(one)));
      const from = field.shard.id;
      moves.push({ from, to, segments: own, demand });
      given.set(from, [...(given.get(from) ?? []), ...own]);
    }
  }
  const order = new Map(standing.map(({ id }, index) => [id, index]));
  const turn = new Map(added.map(({ id }, index) => [id, index]));
  moves.sort(
    (a, b) => turn.get(a.to)! - turn.get(b.to)! || order.get(a.from)! - order.get(b.from)!,
  );
  for (const field of fields) {
    const gone = given.get(field.shard.id) ?? [];
    const left = gone.length === 0 ? field.stretches : subtract(field.stretches, gone);
    segments += left.length;
    const lost = gone.reduce((all, one) => plus(all, field.demand(one)), NOTHING);
    const kept: Vector = [
      field.total[0] - lost[0],
      field.total[1] - lost[1],
      field.total[2] - lost[2],
    ];
    load = Math.max(load, loadOf(kept, field.shard.capacity));
  }
  const bytes = moves.reduce((all, { demand }) => all + demand[MEMORY], 0);
  const least = donors.reduce((all, { leastBytes }) => all + leastBytes, 0);
  return {
    moves,
    before,
    level,
    load: { value: load, bound },
    bytes: { value: bytes, bound: least },
    segments: { value: segments, bound: segmentsBound(fields, donors, added.length, bytes) },
  };
}
