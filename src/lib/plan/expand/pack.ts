import { union } from "../../keyspace/map.js";
import { assign } from "./assign.js";
import { inParts, type Parcel, type Part, splitToFit } from "./parcel.js";
import {
  fits,
  loadOf,
  minus,
  NOTHING,
  plus,
  roomAt,
  ROUNDING,
  sum,
  type Vector,
} from "./vector.js";

/** Parts for each new shard. */
export type Packing = readonly (readonly Part[])[];

/** Parcels that are searched through for a way that splits none. */
const SEARCHED = { parcels: 24, effort: 20_000 };

/**
 * Puts the parcels into the new shards so that none stands above the level, each gets something, and few are split. With `parts`
 * above 1 all are cut into so many first: many segments, but whatever fits in sum fits then. Null when no way is found.
 */
export function pack(
  parcels: readonly Parcel[],
  capacities: readonly Vector[],
  level: number,
  parts: number,
): Packing | null {
  const demand = sum(parcels.map((parcel) => parcel.demand));
  if (!fits(demand, roomAt(sum(capacities), level))) return null;
  const cut = parts === 1 ? parcels : parcels.flatMap((parcel) => inParts(parcel, parts));
  const ways = [wholeFirst(cut, capacities, level), inOrder(cut, capacities, level)];
  return ways.reduce((a, b) => (a === null || (b !== null && segments(b) < segments(a)) ? b : a));
}

function segments(packing: Packing): number {
  return packing.reduce((count, parts) => count + union(parts).length, 0);
}

/** The largest first, each where the level is the lowest afterwards; what then fits nowhere is split. */
function wholeFirst(
  parcels: readonly Parcel[],
  capacities: readonly Vector[],
  level: number,
): Packing | null {
  if (parcels.length < capacities.length) return null;
  const total = sum(capacities);
  const sorted = parcels.toSorted((a, b) => loadOf(b.demand, total) - loadOf(a.demand, total));
  const bins = capacities.map((capacity) => ({
    capacity,
    room: roomAt(capacity, level),
    used: NOTHING,
    parts: [] as Part[],
  }));
  type Bin = (typeof bins)[number];
  const put = (bin: Bin, { parts, demand }: Parcel): void => {
    bin.parts.push(...parts);
    bin.used = plus(bin.used, demand);
  };
  let empty = bins.length;
  const leftover: Parcel[] = [];
  for (const [i, parcel] of sorted.entries()) {
    const must = empty === sorted.length - i;
    let best: Bin | null = null;
    let lowest = Infinity;
    for (const bin of bins) {
      if (must && bin.parts.length > 0) continue;
      const used = plus(bin.used, parcel.demand);
      if (!fits(used, bin.room)) continue;
      const load = loadOf(used, bin.capacity);
      if (load < lowest) [best, lowest] = [bin, load];
    }
    if (best === null) leftover.push(parcel);
    else {
      if (best.parts.length === 0) empty -= 1;
      put(best, parcel);
    }
  }
  if (leftover.length > 0 || empty > 0) {
    const whole = searched(sorted, capacities, level);
    if (whole !== null) return whole;
  }
  for (let rest = leftover.pop(); rest !== undefined; rest = leftover.pop()) {
    const fitting = bins.find((bin) => fits(plus(bin.used, rest.demand), bin.room));
    if (fitting !== undefined) {
      put(fitting, rest);
      continue;
    }
    const roomiest = bins.reduce((a, b) => (share(rest, b) > share(rest, a) ? b : a));
    const split = splitToFit(rest, minus(roomiest.room, roomiest.used));
    if (split === null) return null;
    put(roomiest, split[0]);
    leftover.push(split[1]);
  }
  return bins.every(({ parts }) => parts.length > 0) ? bins.map(({ parts }) => parts) : null;
}

/** How much of a parcel fits. */
function share({ demand }: Parcel, bin: { readonly room: Vector; readonly used: Vector }): number {
  const room = minus(bin.room, bin.used);
  return Math.min(...demand.map((one, i) => (one > 0 ? room[i as 0 | 1 | 2] / one : Infinity)));
}

/** Every way to put few parcels without a split. */
function searched(
  sorted: readonly Parcel[],
  capacities: readonly Vector[],
  level: number,
): Packing | null {
  if (sorted.length > SEARCHED.parcels) return null;
  const bins = capacities.map((_, bin) => bin);
  const items = sorted.map(({ demand }) => ({ demand, bins }));
  const rooms = capacities.map((capacity) => roomAt(capacity, level));
  const chosen = assign(items, rooms, { left: SEARCHED.effort });
  if (chosen === null) return null;
  return bins.map((bin) => sorted.flatMap(({ parts }, i) => (chosen[i] === bin ? parts : [])));
}

/**
 * In order of position, each new shard filled before the next: at most one split for each but the last. All to one height, the
 * lowest at which it works.
 */
function inOrder(
  parcels: readonly Parcel[],
  capacities: readonly Vector[],
  level: number,
): Packing | null {
  const even = loadOf(sum(parcels.map(({ demand }) => demand)), sum(capacities));
  if (even > level * (1 + ROUNDING)) return null;
  const ordered = parcels.toSorted((a, b) => (a.parts[0]!.lo < b.parts[0]!.lo ? -1 : 1));
  const evenly = filledTo(ordered, capacities, even);
  if (evenly !== null) return evenly;
  let [low, high] = [even, level];
  let best = filledTo(ordered, capacities, high);
  for (let i = 0; i < 12; i += 1) {
    const middle = (low + high) / 2;
    const found = filledTo(ordered, capacities, middle);
    if (found === null) low = middle;
    else [best, high] = [found, middle];
  }
  return best;
}

function filledTo(
  ordered: readonly Parcel[],
  capacities: readonly Vector[],
  level: number,
): Packing | null {
  const queue = ordered.toReversed();
  const packing = capacities.map((capacity): Part[] => {
    const parts: Part[] = [];
    let room = roomAt(capacity, level);
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const split = splitToFit(next, room);
      if (split === null) {
        queue.push(next);
        break;
      }
      parts.push(...split[0].parts);
      room = minus(room, split[0].demand);
      if (split[1].parts.length === 0) continue;
      queue.push(split[1]);
      break;
    }
    return parts;
  });
  return queue.length === 0 && packing.every((parts) => parts.length > 0) ? packing : null;
}
