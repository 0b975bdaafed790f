import type { StageDraft, Task } from "../draft.js";
import { losslessUndo } from "../draft.js";

/** The first primaries of new keyspaces. */
export function createStage({ changes }: Task): StageDraft {
  const wave = changes
    .filter((change) => change.before === null)
    .map(({ keyspace, segment, after }) => ({
      kind: "init" as const,
      keyspace,
      segment,
      node: after.primary,
      shard: after.shard,
    }));
  return {
    kind: "create",
    title: "first primaries of new keyspaces",
    waves: [wave],
    undo: losslessUndo("retract the segments, which is refused once one of them took a write"),
  };
}
