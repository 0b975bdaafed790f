import { sortSegments } from "../../keyspace/map.js";
import type { DraftSegment } from "../draft.js";
import { formatSegment } from "../units.js";
import type { StructureRule } from "./rule.js";

export const overlap: StructureRule = {
  id: "overlap",
  severity: "error",
  adjustable: false,
  checks: "No two segments of a keyspace overlap.",
  why: "Two shards would take the writes of the same users.",
  mend: "Take the positions from one of the two.",
  example: `a: { segments: [0..600], ... }
b: { segments: [500..1000], ... }`,
  *check({ keyspaces }) {
    for (const keyspace of keyspaces) {
      let furthest: DraftSegment | null = null;
      for (const segment of sortSegments(keyspace.shards.flatMap((shard) => shard.segments))) {
        // The very same segment twice is for `duplicate-segment`.
        if (furthest && furthest.lo === segment.lo && furthest.hi === segment.hi) continue;
        if (furthest && segment.lo < furthest.hi) {
          const hi = segment.hi < furthest.hi ? segment.hi : furthest.hi;
          const both = formatSegment({ lo: segment.lo, hi });
          const mine = `${formatSegment(segment)} of shard ${segment.shard}`;
          const other = `${formatSegment(furthest)} of shard ${furthest.shard}`;
          yield {
            path: segment.path,
            at: "value",
            message: `${both} of ${keyspace.id} is owned twice: ${mine} overlaps ${other}`,
            hint: `take ${both} from one of the two`,
          };
        }
        if (!furthest || segment.hi > furthest.hi) furthest = segment;
      }
    }
  },
};
