import type { Field } from "./field.js";
import { type Packing, pack } from "./pack.js";
import { pairs, type Parcel, parcelOf } from "./parcel.js";
import { leanest } from "./cells.js";
import { type Donor, donorAt, type Shed } from "./donor.js";
import { type End, endsOf, innerOf, wholeOf } from "./shed.js";
import { MEMORY, RESOURCES, type Resource, roomAt, sum, type Vector } from "./vector.js";

/** Less than this share of what a parcel has of a scarce resource is not worth other pieces. */
const LITTLE = 0.01;

/**
 * Pieces that bring every shard down to the level, moving few bytes, in few segments. Null when no way is found. What was not few
 * enough bytes for the new shards is tried again with fewer, whatever number of segments that makes. `parts` as in `pack`.
 */
export function construct(
  fields: readonly Field[],
  capacities: readonly Vector[],
  level: number,
  bytesTolerance: number,
  parts: number,
): Packing | null {
  for (const tolerance of bytesTolerance > 0 ? [bytesTolerance, 0] : [0]) {
    const donors = fields.flatMap((field) => donorAt(field, level, tolerance) ?? []);
    if (donors.length === 0) return null;
    const given = give(donors);
    if (given === null) return null;
    const packing =
      pack(given, capacities, level, parts) ??
      packRelieved(donors, given, capacities, level, parts);
    if (packing !== null) return packing;
  }
  return null;
}

function give(donors: readonly Donor[]): Parcel[] | null {
  const parcels: Parcel[] = [];
  const ends: End[][] = [];
  const cutting: Donor[] = [];
  for (const donor of donors) {
    const whole = wholeOf(donor);
    if (whole !== null) parcels.push(parcelOf([whole]));
    else {
      cutting.push(donor);
      ends.push(endsOf(donor));
    }
  }
  const paired = new Set<Field>();
  for (const pair of pairs(ends)) {
    parcels.push(parcelOf(pair));
    for (const { field } of pair) paired.add(field);
  }
  for (const [i, donor] of cutting.entries()) {
    if (paired.has(donor.field)) continue;
    const shed = lightest(ends[i]!) ?? innerOf(donor);
    if (shed === null) return null;
    parcels.push(parcelOf([shed]));
  }
  return parcels;
}

function lightest(ends: readonly End[]): Shed | null {
  return ends.reduce<End | null>(
    (best, end) => (best === null || end.demand[MEMORY] < best.demand[MEMORY] ? end : best),
    null,
  );
}

/**
 * The pieces carry more of a resource than the new shards have: some shards, as few as will do, give away cells that have little
 * of it instead.
 */
function packRelieved(
  donors: readonly Donor[],
  given: readonly Parcel[],
  capacities: readonly Vector[],
  level: number,
  parts: number,
): Packing | null {
  const room = roomAt(sum(capacities), level);
  const demand = sum(given.map((parcel) => parcel.demand));
  const scarce = RESOURCES.find((resource) => demand[resource] > room[resource]);
  if (scarce === undefined) return null;
  const owners = new Map(donors.map((donor) => [donor.field, donor]));
  const sorted = given.toSorted((a, b) => b.demand[scarce] - a.demand[scarce]);
  let left = demand[scarce] - room[scarce];
  let tried = 1;
  for (let i = 0; i < sorted.length; i += 1) {
    const relieved = relieve(owners, sorted[i]!, scarce);
    if (relieved === null) continue;
    left -= sorted[i]!.demand[scarce] - sum(relieved.map((one) => one.demand))[scarce];
    sorted.splice(i, 1, ...relieved);
    i += relieved.length - 1;
    if (left > 0 || (i + 1 < tried && i + 1 < sorted.length)) continue;
    const packing = pack(sorted, capacities, level, parts);
    if (packing !== null) return packing;
    // It fits in sum, but only just: twice as many before the next try.
    tried = 2 * (i + 1);
  }
  return null;
}

/** The same shards, with pieces that have less of the resource; null when there are none. */
function relieve(
  owners: ReadonlyMap<Field, Donor>,
  { parts, demand }: Parcel,
  scarce: Resource,
): Parcel[] | null {
  const fields = [...new Set(parts.map(({ field }) => field))];
  const needed = fields.reduce(
    (all, field) => all + Math.max(0, owners.get(field)!.need[scarce]),
    0,
  );
  if (demand[scarce] - needed < demand[scarce] * LITTLE) return null;
  const sheds = fields.map((field) => leanest(owners.get(field)!, scarce));
  const instead = sheds.flatMap((shed) => (shed === null ? [] : parcelOf([shed])));
  if (instead.length < fields.length) return null;
  return sum(instead.map((one) => one.demand))[scarce] < demand[scarce] ? instead : null;
}
