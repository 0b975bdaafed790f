import { compare, sortSegments } from "../../keyspace/map.js";
import { isMove, isRelabelled, type Kept } from "../changes.js";
import { losslessUndo, type StageDraft, type StepDraft, type Task } from "../draft.js";
import { copiesOf } from "../holdings.js";
import { compareText } from "../order.js";
import { slicesOf, type Slice } from "../slices.js";
import type { TakeoverStep } from "../types.js";
import { inOrder } from "../waves/schedule.js";
import { narrowedDomains } from "./domain.js";

type TakeoverDraft = Omit<TakeoverStep, "id">;

/**
 * Shards that keep their writer get their name; then the takeovers: all canaries, then the other slices, those with the fewest
 * rows first. At the end every follower is pointed at the new writer (until then the old one, now a follower itself, feeds
 * them), and the routes leave out what nobody is to hold.
 */
export function writesStage(task: Task): StageDraft {
  const { canary, slices } = task.topology.policy.promotion;
  const moves = task.changes.filter(isMove);
  const cut = movesByNodes(moves).map((parts) => ({
    move: parts[0]!,
    ...slicesOf(sortSegments(parts.flatMap((part) => part.segments)), canary, slices),
  }));
  const canaries = cut.flatMap(({ move, canary: slice }) =>
    slice ? [takeover(task, move, slice)] : [],
  );
  const rest = cut.flatMap(({ move, rest: parts }) =>
    parts.map((slice) => takeover(task, move, slice)),
  );
  return {
    kind: "promote-writes",
    title: "writes to the new primaries, slice by slice",
    waves: [
      task.changes.filter(isRelabelled).map(relabel),
      ...inWaves(task, canaries, cut.length),
      ...inWaves(task, rest, cut.length),
      moves.flatMap(repoints),
      narrowedDomains(task),
    ],
    undo: losslessUndo(
      "take the writes back in reverse order: the old writers follow the new ones",
    ),
  };
}

/** The segments that go from one node and shard to another are one move, however many they are. */
function movesByNodes(moves: readonly Kept[]): Kept[][] {
  const groups = new Map<string, Kept[]>();
  for (const move of moves) {
    const { keyspace, before, after } = move;
    const key = JSON.stringify([
      keyspace,
      before.shard,
      before.primary,
      after.shard,
      after.primary,
    ]);
    const group = groups.get(key);
    if (group) group.push(move);
    else groups.set(key, [move]);
  }
  return [...groups.values()];
}

function takeover({ topology }: Task, move: Kept, slice: Slice): TakeoverDraft {
  return {
    kind: "takeover",
    keyspace: move.keyspace,
    segments: slice,
    node: move.after.primary,
    from: move.before.primary,
    shard: move.after.shard,
    shardBefore: move.before.shard,
    budgetMs: topology.policy.takeoverBudgetMs,
  };
}

/**
 * One slice in each wave, so that a failure stops the rest, those with the fewest rows first. With more moves than may be
 * copied at once, as many at once as copies may be.
 */
function inWaves(
  { topology, size, risksOf }: Task,
  slices: readonly TakeoverDraft[],
  moves: number,
): TakeoverDraft[][] {
  const { concurrency } = topology.policy;
  const rows = new Map(slices.map((slice) => [slice, size(slice.keyspace, slice.segments).rows]));
  const smallestFirst = slices.toSorted((a, b) => compare(rows.get(a)!, rows.get(b)!));
  if (moves <= concurrency.total) return smallestFirst.map((slice) => [slice]);
  // Equally long: packed in the order in which they stand.
  const works = smallestFirst.map((slice) => ({
    slice,
    ends: [slice.from, slice.node],
    seconds: 1,
    shares: [],
    risks: risksOf(slice),
  }));
  return inOrder(works, concurrency).map((wave) => wave.map(({ slice }) => slice));
}

function relabel({ keyspace, segments, before, after }: Kept): StepDraft {
  return { kind: "relabel", keyspace, segments, shard: after.shard, shardBefore: before.shard };
}

/** All copies but the new writer and the old one, which follows the new one by itself. */
function repoints({ keyspace, segments, before, after, added }: Kept): StepDraft[] {
  return [...copiesOf(before), ...added]
    .filter((node) => node !== after.primary && node !== before.primary)
    .toSorted(compareText)
    .map((node) => ({ kind: "repoint" as const, keyspace, segments, node, source: after.primary }));
}
