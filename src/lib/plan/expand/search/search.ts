import type { Effort } from "../assign.js";
import type { Field } from "../field.js";
import type { Packing } from "../pack.js";
import { segmentsBound } from "../segments-bound.js";
import { donorAt } from "../donor.js";
import { loadOf, roomAt, ROUNDING, sum, type Vector } from "../vector.js";
import { type Choice, choicesOf } from "./choices.js";
import { fewestBytes, type Way } from "./fewest-bytes.js";
import { fewestSegments } from "./fewest-segments.js";

/** Shards of few positions are searched through. More than this is left to the constructions. */
const MOST_POSITIONS = { shard: 12, all: 72 };
const EFFORT = 1_000_000;

export interface Searched {
  readonly packing: Packing;
  readonly level: number;
  /** The lowest level there is, or one that is proven to be no higher than it. */
  readonly bound: number;
}

export interface Limits {
  readonly bound: number;
  readonly before: number;
  readonly tolerance: number;
  readonly bytesTolerance: number;
}

/**
 * The best there is, by looking at every choice: for keyspaces of a few positions, where a cut between two uids is a large step. Null
 * for others, and where it would take too long.
 */
export function search(
  fields: readonly Field[],
  capacities: readonly Vector[],
  limits: Limits,
): Searched | "no-gain" | null {
  const positions = fields.map(({ stretches }) =>
    stretches.reduce((count, { lo, hi }) => count + Number(hi - lo), 0),
  );
  const all = positions.reduce((a, b) => a + b, 0);
  if (Math.max(...positions) > MOST_POSITIONS.shard || all > MOST_POSITIONS.all) return null;
  const effort = { left: EFFORT };
  const room = sum(capacities);
  const choices = fields.map((field) => choicesOf(field, room));
  const found = atLowestLevel(choices, capacities, limits, effort);
  if (found === null || found === "no-gain") return found;
  const { level, bound, way } = found;
  const bytes = sumBytes(way) * (1 + limits.bytesTolerance) * (1 + ROUNDING);
  const donors = fields.flatMap((field) => donorAt(field, level, 0) ?? []);
  const least = segmentsBound(fields, donors, capacities.length, bytes);
  const rooms = capacities.map((capacity) => roomAt(capacity, level));
  const best = fewestSegments(upTo(choices, level), rooms, bytes, { least, most: all }, effort);
  return best === null
    ? null
    : { packing: packingOf(fields, best, capacities.length), level, bound };
}

function upTo(choices: readonly (readonly Choice[])[], level: number): Choice[][] {
  return choices.map((of) => of.filter((choice) => choice.level <= level * (1 + ROUNDING)));
}

/** The fewest bytes at a level within the tolerance of the lowest. */
function atLowestLevel(
  choices: readonly (readonly Choice[])[],
  capacities: readonly Vector[],
  { bound, before, tolerance }: Limits,
  effort: Effort,
): { level: number; bound: number; way: Way } | "no-gain" | null {
  const at = (level: number): Way | null => {
    const rooms = capacities.map((capacity) => roomAt(capacity, level));
    return fewestBytes(upTo(choices, level), rooms, effort);
  };
  const hoped = bound * (1 + tolerance);
  if (hoped >= before) return "no-gain";
  const way = at(hoped);
  if (way !== null) return { level: hoped, bound, way };
  let [none, some] = [hoped, before];
  while (effort.left > 0) {
    const below = some * (1 - 3 * ROUNDING);
    if (none >= below) break;
    // Halving while that is a large step, then every level that there is.
    const middle = some - none > some * 1e-3 ? (none + some) / 2 : below;
    const lower = at(middle);
    if (lower === null) none = middle;
    else some = highestOf(lower, capacities);
  }
  if (effort.left <= 0) return null;
  const level = some * (1 + tolerance);
  if (level >= before) return "no-gain";
  const found = at(level);
  return found === null ? null : { level, bound: some, way: found };
}

function highestOf({ choices, units, bins }: Way, capacities: readonly Vector[]): number {
  const added = capacities.map((capacity, bin) =>
    loadOf(sum(units.flatMap(({ demand }, i) => (bins[i] === bin ? [demand] : []))), capacity),
  );
  return Math.max(...choices.map(({ level }) => level), ...added);
}

function sumBytes({ choices }: Way): number {
  return choices.reduce((bytes, choice) => bytes + choice.bytes, 0);
}

function packingOf(fields: readonly Field[], { units, bins }: Way, count: number): Packing {
  const owner = (position: bigint): Field =>
    fields.find(({ stretches }) =>
      stretches.some(({ lo, hi }) => lo <= position && position < hi),
    )!;
  return Array.from({ length: count }, (_, bin) =>
    units.flatMap(({ position }, i) =>
      bins[i] === bin ? [{ lo: position, hi: position + 1n, field: owner(position) }] : [],
    ),
  );
}
