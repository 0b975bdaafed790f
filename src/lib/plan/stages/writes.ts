import { compare } from "../../keyspace/map.js";
import { isMove, type Move } from "../changes.js";
import { losslessUndo, type StageDraft, type StepDraft, type Task } from "../draft.js";
import { copiesOf } from "../holdings.js";
import { compareText } from "../order.js";
import { slicesOf, type Slice } from "../slices.js";
import type { TakeoverStep } from "../types.js";

type TakeoverDraft = Omit<TakeoverStep, "id">;

/**
 * Takeovers, a slice of one move in each wave so that a failure stops the rest: all canaries, then the other slices, those with
 * the fewest rows first. At the end every follower is pointed at the new writer; until then the old one, now a follower itself,
 * feeds them.
 */
export function writesStage(task: Task): StageDraft {
  const { canary, slices } = task.topology.policy.promotion;
  const moves = task.changes.filter(isMove);
  const cut = movesByNodes(moves).map((parts) => ({
    move: parts[0]!,
    ...slicesOf(
      parts.map((part) => part.segment),
      canary,
      slices,
    ),
  }));
  const canaries = cut.flatMap(({ move, canary: slice }) =>
    slice ? [takeovers(task, move, slice)] : [],
  );
  const rest = cut.flatMap(({ move, rest: parts }) =>
    parts.map((slice) => takeovers(task, move, slice)),
  );
  return {
    kind: "promote-writes",
    title: "writes to the new primaries, slice by slice",
    waves: [
      ...smallestFirst(task, canaries),
      ...smallestFirst(task, rest),
      moves.flatMap(repoints),
    ],
    undo: losslessUndo(
      "take the writes back in reverse order: the old writers follow the new ones",
    ),
  };
}

/** The segments that go from one node and shard to another are one move, however many they are. */
function movesByNodes(moves: readonly Move[]): Move[][] {
  const groups = new Map<string, Move[]>();
  for (const move of moves) {
    const { keyspace, before, after } = move;
    const key = JSON.stringify([
      keyspace,
      before.shard,
      before.primary,
      after.shard,
      after.primary,
    ]);
    groups.set(key, [...(groups.get(key) ?? []), move]);
  }
  return [...groups.values()];
}

function takeovers({ topology }: Task, move: Move, slice: Slice): TakeoverDraft[] {
  return slice.map((segment) => ({
    kind: "takeover",
    keyspace: move.keyspace,
    segment,
    node: move.after.primary,
    from: move.before.primary,
    shard: move.after.shard,
    shardBefore: move.before.shard,
    budgetMs: topology.policy.takeoverBudgetMs,
  }));
}

function smallestFirst({ size }: Task, waves: readonly TakeoverDraft[][]): TakeoverDraft[][] {
  return waves
    .map((wave) => ({
      wave,
      rows: wave.reduce((sum, step) => sum + size(step.keyspace, step.segment).rows, 0n),
    }))
    .toSorted((a, b) => compare(a.rows, b.rows))
    .map(({ wave }) => wave);
}

/** All copies but the new writer and the old one, which follows the new one by itself. */
function repoints({ keyspace, segment, before, after, added }: Move): StepDraft[] {
  return [...copiesOf(before), ...added]
    .filter((node) => node !== after.primary && node !== before.primary)
    .toSorted(compareText)
    .map((node) => ({ kind: "repoint" as const, keyspace, segment, node, source: after.primary }));
}
