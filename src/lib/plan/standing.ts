import { clip, sortSegments } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import type { Change } from "./changes.js";
import type { ObservedEntry, ObservedKeyspace } from "./observed.js";

/** What a node holds of the segments of a change before anything is done. Segments are sorted. */
export interface Standing {
  readonly entry: ObservedEntry;
  readonly segments: readonly Segment[];
}

/** For each change what is held of it, in the order of the observed entries. `O((n + m) log n)`: there may be 100,000 of both. */
export function standingOf(
  changes: readonly Change[],
  observed: (keyspace: string) => ObservedKeyspace,
): ReadonlyMap<Change, readonly Standing[]> {
  const standing = new Map<Change, { entry: ObservedEntry; segments: Segment[] }[]>(
    changes.map((change) => [change, []]),
  );
  for (const keyspace of new Set(changes.map((change) => change.keyspace))) {
    const pieces = sortSegments(
      changes
        .filter((change) => change.keyspace === keyspace)
        .flatMap((change) => change.segments.map(({ lo, hi }) => ({ lo, hi, value: change }))),
    );
    for (const entry of observed(keyspace).entries) {
      for (const { lo, hi, value: change } of clip(pieces, entry.segment)) {
        const all = standing.get(change)!;
        const last = all.at(-1);
        if (last?.entry === entry) last.segments.push({ lo, hi });
        else all.push({ entry, segments: [{ lo, hi }] });
      }
    }
  }
  return standing;
}
