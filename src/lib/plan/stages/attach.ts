import { isMove } from "../changes.js";
import {
  isEmptyCopy,
  losslessUndo,
  type Copy,
  type StageDraft,
  type StepDraft,
  type Task,
} from "../draft.js";
import { copyWork, ratesOf } from "../waves/copies.js";
import { schedule } from "../waves/schedule.js";
import type { Work } from "../waves/work.js";

/**
 * Copies are made in waves under the limits: a wave of links, then a wave that waits until they are whole. Where something is
 * created there is nothing to copy: all of that goes together in one wave, after the rest.
 */
export function attachStage(task: Task): StageDraft {
  const { policy } = task.topology;
  const waves = schedule(copyWorks(task), policy.concurrency).map((wave) => {
    const copies = wave.map(({ copy }) => copy);
    const rates = ratesOf(copies, task.network);
    return { copies, links: copies.map((copy, i) => link(copy, rates[i]!)) };
  });
  const empty = task.copies.filter(isEmptyCopy);
  const links = empty.map((copy) => link(copy, policy.linkBytesPerSecond));
  return {
    kind: "attach",
    title: "copy the segments to their new nodes",
    waves: [...waves, { copies: empty, links }].flatMap((wave) => [
      wave.links,
      wave.copies.map(({ change, node }) => ({
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

/** What there is to copy. */
export function copyWorks(task: Task): (Work & { readonly copy: Copy })[] {
  return task.copies
    .filter((copy) => !isEmptyCopy(copy))
    .map((copy) => copyWork(copy, task.network, task.risksOf(link(copy, null))));
}

function link({ change, node, source, bytes }: Copy, bytesPerSecond: number | null): StepDraft {
  return {
    kind: "link",
    keyspace: change.keyspace,
    segments: change.segments,
    node,
    source,
    purpose: isMove(change) && node === change.after.primary ? "move" : "replica",
    bytes,
    bytesPerSecond,
  };
}
