import { sortSegments } from "../../keyspace/map.js";
import type { Field } from "./field.js";
import type { Donor } from "./donor.js";
import { MEMORY, ROUNDING } from "./vector.js";

/**
 * No choice of pieces that moves at most `moved` bytes ends with fewer segments. Proof: docs/planning.md. `donors` are the shards
 * above the level, `added` the number of new shards, which all get something.
 */
export function segmentsBound(
  fields: readonly Field[],
  donors: readonly Donor[],
  added: number,
  moved: number,
): number {
  const least = donors.reduce((all, { leastBytes }) => all + leastBytes, 0);
  const spare = Math.max(0, moved - least) + moved * ROUNDING;
  const needs = new Map(donors.map(({ field, leastBytes }) => [field, leastBytes]));
  let before = 0;
  let whole = 0;
  const cut: Field[] = [];
  for (const field of fields) {
    const movable = wholeStretches(field, (needs.get(field) ?? 0) + spare);
    before += field.stretches.length;
    whole += movable;
    if (movable === 0 && needs.has(field)) cut.push(field);
  }
  const cuts = whole === 0 ? cut.length - borderPairs(cut) : Math.ceil(cut.length / 2);
  return before - whole + Math.max(added, cuts);
}

/** How many stretches of the shard could move whole within so many bytes; one stays in any case. */
function wholeStretches(field: Field, bytes: number): number {
  const sizes = field.stretches
    .map(({ from, to }) => {
      let size = 0;
      for (let i = from; i < to; i += 1) size += field.loads[MEMORY][i]!;
      return size;
    })
    .toSorted((a, b) => a - b);
  let left = bytes;
  let count = 0;
  for (const size of sizes) {
    if (size > left || count === sizes.length - 1) break;
    left -= size;
    count += 1;
  }
  return count;
}

/** The most pairs of shards with a border in common, each shard in one pair: an upper bound of them. */
function borderPairs(fields: readonly Field[]): number {
  const sorted = sortSegments(
    fields.flatMap((field) => field.stretches.map(({ lo, hi }) => ({ lo, hi, field }))),
  );
  const single = fields.every(({ stretches }) => stretches.length === 1);
  let pairs = 0;
  let last: (typeof sorted)[number] | null = null;
  for (const stretch of sorted) {
    // On a row of shards the pairs from one end on are the most; with several stretches a shard only counts more often.
    if (last !== null && last.hi === stretch.lo && last.field !== stretch.field) {
      pairs += 1;
      last = single ? null : stretch;
    } else last = stretch;
  }
  return single ? pairs : Math.min(pairs, Math.floor(fields.length / 2));
}
