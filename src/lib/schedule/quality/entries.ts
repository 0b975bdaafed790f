import type { Topology } from "../../topology/types.js";
import type { Costs } from "../types.js";
import { costOf, type Quality, UNKNOWN } from "./cost.js";

/** One measurement. What is said of a region counts for its idcs, of an idc for its sets, where nothing nearer is said. */
export interface QualityEntry extends Quality {
  readonly carrier: string;
  readonly province: string;
  readonly site: string;
}

/** Of each site, what is known for users of a carrier and province; null where nothing was measured. */
export type Qualities = (carrier: string, province: string) => readonly (Quality | null)[];

export function qualitiesOf({ sets }: Topology, entries: readonly QualityEntry[]): Qualities {
  const key = (carrier: string, province: string, place: string) =>
    JSON.stringify([carrier, province, place]);
  const measured = new Map(
    entries.map((one) => [key(one.carrier, one.province, one.site), one] as const),
  );
  return (carrier, province) =>
    sets.map(({ id, idc, region }) => {
      const of = (place: string) => measured.get(key(carrier, province, place));
      return of(id) ?? of(idc) ?? of(region) ?? null;
    });
}

/** `UNKNOWN` where nothing was measured. */
export function costsOf(qualities: Qualities): Costs {
  const rows = new Map<string, readonly number[]>();
  return (carrier, province) => {
    const name = JSON.stringify([carrier, province]);
    const row = rows.get(name) ?? qualities(carrier, province).map((one) => costOf(one ?? UNKNOWN));
    rows.set(name, row);
    return row;
  };
}
