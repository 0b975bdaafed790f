import { sortSegments } from "../../keyspace/map.js";
import type { DraftSegment } from "../draft.js";
import { formatSegment } from "../units.js";
import type { Rule } from "./rule.js";

/** No two segments of a keyspace overlap. Segments that are the very same are for `duplicate-segment`. */
export const overlap: Rule = {
  id: "overlap",
  severity: "error",
  *check({ keyspaces }) {
    for (const keyspace of keyspaces) {
      let furthest: DraftSegment | null = null;
      for (const segment of sortSegments(keyspace.shards.flatMap((shard) => shard.segments))) {
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
