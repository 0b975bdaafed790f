import type { Field } from "./field.js";
import { type Packing, pack } from "./pack.js";
import { pairs, type Parcel, parcelOf } from "./parcel.js";
import { leanest } from "./cells.js";
import { type Donor, donorAt, type Shed } from "./donor.js";
import { type End, endsOf, innerOf, wholeOf } from "./shed.js";
import { MEMORY, RESOURCES, type Resource, roomAt, sum, type Vector } from "./vector.js";

/** Less than this share of what a parcel has of a scarce resource is not worth other pieces. */
const LITTLE = 0.01;

/** Pieces that bring every shard down to a level, moving few bytes, in few segments; not yet put anywhere. */
export class Pieces {
  readonly #parcels: readonly Parcel[];
  readonly #owners: ReadonlyMap<Field, Donor>;
  readonly #capacities: readonly Vector[];
  readonly #level: number;
  readonly #leaner = new Map<Parcel, readonly Parcel[] | null>();

  private constructor(
    parcels: readonly Parcel[],
    donors: readonly Donor[],
    capacities: readonly Vector[],
    level: number,
  ) {
    this.#parcels = parcels;
    this.#owners = new Map(donors.map((donor) => [donor.field, donor]));
    this.#capacities = capacities;
    this.#level = level;
  }

  /** Null when no shard stands above the level, or one cannot come down to it. */
  static at(
    fields: readonly Field[],
    capacities: readonly Vector[],
    level: number,
    bytesTolerance: number,
  ): Pieces | null {
    const donors = fields.flatMap((field) => donorAt(field, level, bytesTolerance) ?? []);
    const parcels = donors.length === 0 ? null : give(donors);
    return parcels === null ? null : new Pieces(parcels, donors, capacities, level);
  }

  /** As they are; `parts` as of `pack`. */
  pack(parts: number): Packing | null {
    return pack(this.#parcels, this.#capacities, this.#level, parts);
  }

  /**
   * When they carry more of a resource than the new shards have: some shards, as few as will do, give away cells that have little
   * of it instead, whatever number of segments that makes.
   */
  packLeaner(parts: number): Packing | null {
    const room = roomAt(sum(this.#capacities), this.#level);
    const demand = sum(this.#parcels.map((parcel) => parcel.demand));
    const scarce = RESOURCES.find((resource) => demand[resource] > room[resource]);
    if (scarce === undefined) return null;
    const sorted = this.#parcels.toSorted((a, b) => b.demand[scarce] - a.demand[scarce]);
    const chosen: Parcel[] = [...sorted];
    let left = demand[scarce] - room[scarce];
    let exchanged = 0;
    let next = 1;
    for (const parcel of sorted) {
      const leaner = this.#leanerThan(parcel, scarce);
      if (leaner === null) continue;
      left -= parcel.demand[scarce] - sum(leaner.map((one) => one.demand))[scarce];
      chosen.splice(chosen.indexOf(parcel), 1, ...leaner);
      exchanged += 1;
      if (left > 0 || exchanged < next) continue;
      const packing = pack(chosen, this.#capacities, this.#level, parts);
      if (packing !== null) return packing;
      // It fits in sum, but only just: twice as many before the next try.
      next = 2 * exchanged;
    }
    return left > 0 ? null : pack(chosen, this.#capacities, this.#level, parts);
  }

  /** The same shards, with pieces that have less of the resource; null when there are none. */
  #leanerThan(parcel: Parcel, scarce: Resource): readonly Parcel[] | null {
    const known = this.#leaner.get(parcel);
    if (known !== undefined) return known;
    const leaner = this.#leanerPieces(parcel, scarce);
    this.#leaner.set(parcel, leaner);
    return leaner;
  }

  #leanerPieces({ parts, demand }: Parcel, scarce: Resource): Parcel[] | null {
    const donors = [...new Set(parts.map(({ field }) => field))].map((field) =>
      this.#owners.get(field)!,
    );
    const needed = donors.reduce((all, { need }) => all + Math.max(0, need[scarce]), 0);
    if (demand[scarce] - needed < demand[scarce] * LITTLE) return null;
    const sheds = donors.flatMap((donor) => leanest(donor, scarce) ?? []);
    if (sheds.length < donors.length) return null;
    return sum(sheds.map((shed) => shed.demand))[scarce] < demand[scarce]
      ? sheds.map((shed) => parcelOf([shed]))
      : null;
  }
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
