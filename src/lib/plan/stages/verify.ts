import { isEmptyCopy, undoOfCopies, type StageDraft, type Task } from "../draft.js";
import { wavesBut } from "../order.js";
import { provenCopies } from "./sync.js";

/** Digests read both sides whole, so they keep to the limits of copies. */
export function verifyStage(task: Task): StageDraft {
  return {
    kind: "verify",
    title: "copies are equal to their sources",
    waves: wavesBut(provenCopies(task), task.topology.policy.concurrency, isEmptyCopy).map((wave) =>
      wave.map(({ change, node }) => ({
        kind: "verify" as const,
        keyspace: change.keyspace,
        segments: change.segments,
        node,
      })),
    ),
    undo: undoOfCopies(task),
  };
}
