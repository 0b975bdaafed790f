import { isCreated } from "../changes.js";
import type { StageDraft, Task } from "../draft.js";
import { losslessUndo } from "../draft.js";

/** The first primaries of new keyspaces, and of what a domain gains. */
export function createStage({ changes }: Task): StageDraft {
  const wave = changes.filter(isCreated).map(({ keyspace, segments, after }) => ({
    kind: "init" as const,
    keyspace,
    segments,
    node: after.primary,
    shard: after.shard,
  }));
  return {
    kind: "create",
    title: "first primaries of what is new",
    waves: [wave],
    undo: losslessUndo("retract the segments, which is refused once one of them took a write"),
  };
}
