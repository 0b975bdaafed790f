import { overlapOf } from "../../keyspace/map.js";
import { isMove, type Change } from "../changes.js";
import { undoOfCopies, type Copy, type StageDraft, type Task } from "../draft.js";
import { compareText } from "../order.js";

/**
 * Every copy that must be proven before anything relies on it: the new ones, and standing replicas that will take over. With
 * the node that it follows by then.
 */
export function provenCopies({ changes, copies, size }: Task): Copy[] {
  const made = copies.map((copy) => ({
    ...copy,
    source: sourceBeforeTakeover(copy.change, copy.node, copy.source),
  }));
  const standing = changes
    .filter(isMove)
    .filter((move) => !move.added.includes(move.after.primary))
    .map((change) => ({
      change,
      node: change.after.primary,
      source: change.before.primary,
      bytes: size(change.keyspace, change.segment).bytes,
    }));
  return [...made, ...standing];
}

/** Points the copies at what they have to follow from now on, then waits until all keep up. */
export function syncStage(task: Task): StageDraft {
  const repoints = task.changes.flatMap((change) =>
    standingLinks(task, change)
      .map(({ node, source }) => ({
        node,
        from: source,
        source: sourceBeforeTakeover(change, node, source),
      }))
      .filter(({ from, source }) => from !== source)
      .map(({ node, source }) => ({
        kind: "repoint" as const,
        keyspace: change.keyspace,
        segment: change.segment,
        node,
        source,
      })),
  );
  const syncs = provenCopies(task).map(({ change, node }) => ({
    kind: "sync" as const,
    keyspace: change.keyspace,
    segment: change.segment,
    node,
    maxLagMs: task.topology.policy.gates.maxLagMs,
  }));
  return {
    kind: "sync",
    title: "copies keep up with the writes",
    waves: [repoints, syncs],
    undo: undoOfCopies(task),
  };
}

/** Who follows whom in the segment once the copies are made: the new links, and the standing ones of nodes that stay. */
function standingLinks(task: Task, change: Change): { node: string; source: string }[] {
  const made = task.copies.filter((copy) => copy.change === change);
  const standing = task
    .observed(change.keyspace)
    .entries.filter(
      (entry) => entry.role === "follower" && overlapOf(entry.segment, change.segment),
    )
    .flatMap(({ node, source }) => (source === null ? [] : [{ node, source }]))
    .filter(({ node }) => !change.removed.includes(node));
  const links = new Map([...standing, ...made].map((link) => [link.node, link]));
  return [...links.values()].toSorted((a, b) => compareText(a.node, b.node));
}

/** A node that takes over follows the writer itself; nobody goes on following a copy that will be dropped. */
function sourceBeforeTakeover(change: Change, node: string, source: string): string {
  if (isMove(change)) return node === change.after.primary ? change.before.primary : source;
  return change.removed.includes(source) ? change.after.primary : source;
}
