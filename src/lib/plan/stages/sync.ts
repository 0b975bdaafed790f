import { sortSegments } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { isKept, isMove, type Change, type Kept } from "../changes.js";
import { undoOfCopies, type Copy, type StageDraft, type StepDraft, type Task } from "../draft.js";
import { compareText } from "../order.js";
import type { Standing } from "../standing.js";

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
  const copies = new Map<Change, Copy[]>();
  for (const copy of task.copies) {
    const known = copies.get(copy.change);
    if (known) known.push(copy);
    else copies.set(copy.change, [copy]);
  }
  const repointed = task.changes
    .filter(isKept)
    .flatMap((change) =>
      repoints(change, links(change, copies.get(change) ?? [], task.standing.get(change)!)),
    );
  return {
    kind: "sync",
    title: "copies keep up with the writes",
    waves: [repointed, syncs],
    undo: undoOfCopies(task),
  };
}

/** One step for each node and the copy that it has to follow, for the segments in which it follows another one. */
function repoints(change: Kept, all: readonly Link[]): StepDraft[] {
  const { keyspace } = change;
  const others = all.flatMap(({ node, source: from, segments }) => {
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
function links(change: Kept, copies: readonly Copy[], standing: readonly Standing[]): Link[] {
  const made = copies.map(({ node, source }): Link => ({
    node,
    source,
    segments: change.segments,
  }));
  const stay = standing.flatMap(({ entry: { node, role, source }, segments }): Link[] =>
    role !== "follower" || source === null || change.removed.includes(node)
      ? []
      : [{ node, source, segments }],
  );
  return [...stay, ...made];
}

/** A node that takes over follows the writer itself; nobody goes on following a copy that will be dropped. */
function sourceBeforeTakeover(change: Change, node: string, source: string): string {
  if (!isKept(change)) return source;
  const { before, after, removed } = change;
  if (isMove(change)) return node === after.primary ? before.primary : source;
  return removed.includes(source) ? after.primary : source;
}
