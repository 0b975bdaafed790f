import type { SegmentMap } from "../keyspace/map.js";

/** Of all hashes, the part that a map leads to each site: 0..1, together 1. */
export function fractionsOf(map: SegmentMap<string>): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { lo, hi, value } of map)
    sums.set(value, (sums.get(value) ?? 0) + Number(hi - lo) / 2 ** 64);
  return sums;
}
