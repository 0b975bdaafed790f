import { clip, sortSegments } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { isKept, isMove, type Change, type Kept } from "../changes.js";
import { undoOfCopies, type Copy, type StageDraft, type StepDraft, type Task } from "../draft.js";
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
      bytes: size(change.keyspace, change.segments).bytes,
    }));
  return [...made, ...standing];
}

/** Points the copies at what they have to follow from now on, then waits until all keep up. */
export function syncStage(task: Task): StageDraft {
  const syncs = provenCopies(task).map(({ change, node }) => ({
    kind: "sync" as const,
    keyspace: change.keyspace,
    segments: change.segments,
    node,
    maxLagMs: task.topology.policy.gates.maxLagMs,
  }));
  return {
    kind: "sync",
    title: "copies keep up with the writes",
    waves: [task.changes.filter(isKept).flatMap((change) => repoints(task, change)), syncs],
    undo: undoOfCopies(task),
  };
}

/** One step for each node and the copy that it has to follow, for the segments in which it follows another one. */
function repoints(task: Task, change: Kept): StepDraft[] {
  const { keyspace } = change;
  const others = links(task, change).flatMap(({ node, source: from, segments }) => {
    const source = sourceBeforeTakeover(change, node, from);
    return source === from ? [] : [{ node, source, segments }];
  });
  const steps = new Map<string, { node: string; source: string; segments: Segment[] }>();
  for (const { node, source, segments } of others) {
    const key = `${node}\0${source}`;
    const known = steps.get(key);
    if (known) known.segments.push(...segments);
    else steps.set(key, { node, source, segments: [...segments] });
  }
  return [...steps.values()]
    .toSorted((a, b) => compareText(a.node, b.node))
    .map(({ node, source, segments }) => ({
      kind: "repoint" as const,
      keyspace,
      segments: sortSegments(segments),
      node,
      source,
    }));
}

interface Link {
  readonly node: string;
  readonly source: string;
  readonly segments: readonly Segment[];
}

/** Who follows whom once the copies are made: the new links, and the standing ones of nodes that stay. */
function links({ copies, observed }: Task, change: Kept): Link[] {
  const made = copies
    .filter((copy) => copy.change === change)
    .map(({ node, source }): Link => ({ node, source, segments: change.segments }));
  const pieces = change.segments.map(({ lo, hi }) => ({ lo, hi, value: null }));
  const standing = observed(change.keyspace).entries.flatMap(
    ({ node, role, source, segment }): Link[] => {
      if (role !== "follower" || source === null || change.removed.includes(node)) return [];
      const segments = clip(pieces, segment).map(({ lo, hi }) => ({ lo, hi }));
      return segments.length === 0 ? [] : [{ node, source, segments }];
    },
  );
  return [...standing, ...made];
}

/** A node that takes over follows the writer itself; nobody goes on following a copy that will be dropped. */
function sourceBeforeTakeover(change: Change, node: string, source: string): string {
  if (!isKept(change)) return source;
  const { before, after, removed } = change;
  if (isMove(change)) return node === after.primary ? before.primary : source;
  return removed.includes(source) ? after.primary : source;
}
