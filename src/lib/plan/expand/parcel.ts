import { compare } from "../../keyspace/map.js";
import type { Position, Segment } from "../../keyspace/segment.js";
import type { Field } from "./field.js";
import type { Shed } from "./donor.js";
import type { End } from "./shed.js";
import { fits, minus, NOTHING, plus, RESOURCES, sum, times, type Vector } from "./vector.js";

/** A piece of one standing shard. */
export interface Part extends Segment {
  readonly field: Field;
}

/** What goes to one new shard as a whole if that can be: the pieces of one shard, or of two with a border in common. */
export interface Parcel {
  /** In order of position. */
  readonly parts: readonly Part[];
  readonly demand: Vector;
}

export function parcelOf(sheds: readonly Shed[]): Parcel {
  const parts = sheds
    .flatMap(({ field, pieces }) => pieces.map(({ lo, hi }) => ({ lo, hi, field })))
    .toSorted((a, b) => compare(a.lo, b.lo));
  return { parts, demand: sum(sheds.map(({ demand }) => demand)) };
}

/**
 * Two ends at the border of two shards make one segment of the new shard. Pairs them from the lowest position on, which on a row of
 * shards pairs as many as can be. Each shard gives one end.
 */
export function pairs(ends: readonly (readonly End[])[]): (readonly [End, End])[] {
  const above = new Map<Position, End>();
  for (const end of ends.flat()) if (end.side === "lo") above.set(end.stretch.lo, end);
  const taken = new Set<Field>();
  const below = ends
    .flat()
    .filter(({ side }) => side === "hi")
    .toSorted((a, b) => compare(a.stretch.hi, b.stretch.hi));
  return below.flatMap((end): (readonly [End, End])[] => {
    const other = above.get(end.stretch.hi);
    if (other === undefined || taken.has(end.field) || taken.has(other.field)) return [];
    taken.add(end.field).add(other.field);
    return [[end, other]];
  });
}

/** The longest beginning of a parcel that fits, and the rest; null when not even one position does. */
export function splitToFit(parcel: Parcel, room: Vector): readonly [Parcel, Parcel] | null {
  if (fits(parcel.demand, room)) return [parcel, { parts: [], demand: NOTHING }];
  const head: Part[] = [];
  let used = NOTHING;
  for (const [i, part] of parcel.parts.entries()) {
    const demand = part.field.demand(part);
    if (fits(plus(used, demand), room)) {
      head.push(part);
      used = plus(used, demand);
      continue;
    }
    const at = longestPrefix(part, minus(room, used));
    if (at > part.lo) {
      const piece = { ...part, hi: at };
      head.push(piece);
      used = plus(used, part.field.demand(piece));
    }
    if (head.length === 0) return null;
    const tail = parcel.parts.slice(at > part.lo ? i + 1 : i);
    if (at > part.lo) tail.unshift({ ...part, lo: at });
    const rest = sum(tail.map((one) => one.field.demand(one)));
    return [
      { parts: head, demand: used },
      { parts: tail, demand: rest },
    ];
  }
  return [parcel, { parts: [], demand: NOTHING }];
}

/** How far the part fits, a position of it. */
function longestPrefix({ field, lo, hi }: Part, room: Vector): Position {
  let left = room;
  for (let cell = field.cellAt(lo), at = lo; at < hi; cell += 1) {
    const bounds = field.cell(cell);
    const end = bounds.hi < hi ? bounds.hi : hi;
    const demand = field.demand({ lo: at, hi: end });
    if (!fits(demand, left)) {
      const share = Math.min(
        ...RESOURCES.map((one) => (demand[one] > 0 ? Math.max(0, left[one]) / demand[one] : 1)),
      );
      const positions = BigInt(Math.floor(share * Number(end - at)));
      return at + (positions < end - at ? positions : end - at - 1n);
    }
    left = minus(left, demand);
    at = end;
  }
  return hi;
}

/** Parts of which none has more than 1/n of any resource of the parcel. */
export function inParts(parcel: Parcel, n: number): Parcel[] {
  const room = times(parcel.demand, 1 / n);
  const out: Parcel[] = [];
  let rest = parcel;
  while (rest.parts.length > 0) {
    const split = splitToFit(rest, room);
    // A single position may be more than that.
    if (split === null) return [...out, rest];
    out.push(split[0]);
    rest = split[1];
  }
  return out;
}
