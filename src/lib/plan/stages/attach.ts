import { isMove } from "../changes.js";
import { isEmptyCopy, losslessUndo, type StageDraft, type Task } from "../draft.js";
import { wavesBut } from "../order.js";

/** Copies are made in waves under the limits: a wave of links, then a wave that waits until they are whole. */
export function attachStage({ topology: { policy }, copies }: Task): StageDraft {
  return {
    kind: "attach",
    title: "copy the segments to their new nodes",
    waves: wavesBut(copies, policy.concurrency, isEmptyCopy).flatMap((wave) => [
      wave.map(({ change, node, source, bytes }) => ({
        kind: "link" as const,
        keyspace: change.keyspace,
        segments: change.segments,
        node,
        source,
        purpose:
          isMove(change) && node === change.after.primary
            ? ("move" as const)
            : ("replica" as const),
        bytes,
        bytesPerSecond: policy.linkBytesPerSecond,
      })),
      wave.map(({ change, node }) => ({
        kind: "sync" as const,
        keyspace: change.keyspace,
        segments: change.segments,
        node,
        maxLagMs: policy.gates.maxLagMs,
      })),
    ]),
    undo: losslessUndo("stop the links and drop the new copies"),
  };
}
