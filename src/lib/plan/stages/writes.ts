import { compare, intersect, sortSegments } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { isMove, isRelabelled, type Kept } from "../changes.js";
import { losslessUndo, type StageDraft, type StepDraft, type Task } from "../draft.js";
import { copiesOf } from "../holdings.js";
import { compareText } from "../order.js";
import { slicesOf, type Slice } from "../slices.js";
import type { TakeoverStep } from "../types.js";
import { inOrder } from "../waves/schedule.js";
import { narrowedDomains } from "./domain.js";

type TakeoverDraft = Omit<TakeoverStep, "id">;

interface Takeover {
  readonly step: TakeoverDraft;
  /** Of what is taken over, those that must follow the new writer before anything else happens. */
  readonly repoints: readonly StepDraft[];
}

/**
 * Shards that keep their writer get their name; then the takeovers: all canaries, then the other slices, those with the fewest
 * rows first. At the end every follower is pointed at the new writer (until then the old one, now a follower itself, feeds
 * them), and the routes leave out what nobody is to hold. Where writes wait for a follower in another set and the old writer is in
 * the set of the new one, the followers are pointed at it after each takeover.
 */
export function writesStage(task: Task): StageDraft {
  const { canary, slices } = task.topology.policy.promotion;
  const moves = task.changes.filter(isMove);
  const sets = new Map(task.topology.nodes.map(({ id, set }) => [id, set]));
  const alone = new Set(moves.filter((move) => isLeftAlone(task, sets, move)));
  const cut = movesByNodes(moves).map((parts) => ({
    parts,
    ...slicesOf(sortSegments(parts.flatMap((part) => part.segments)), canary, slices),
  }));
  const takeoverOf = (parts: readonly Kept[], slice: Slice): Takeover => ({
    step: takeover(task, parts[0]!, slice),
    repoints: parts.filter((part) => alone.has(part)).flatMap((part) => repoints(part, slice)),
  });
  const canaries = cut.flatMap(({ parts, canary: slice }) =>
    slice ? [takeoverOf(parts, slice)] : [],
  );
  const rest = cut.flatMap(({ parts, rest: others }) =>
    others.map((slice) => takeoverOf(parts, slice)),
  );
  return {
    kind: "promote-writes",
    title: "writes to the new primaries, slice by slice",
    waves: [
      task.changes.filter(isRelabelled).map(relabel),
      ...inWaves(task, canaries, cut.length),
      ...inWaves(task, rest, cut.length),
      moves.filter((move) => !alone.has(move)).flatMap((move) => repoints(move, move.segments)),
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
  takeovers: readonly Takeover[],
  moves: number,
): StepDraft[][] {
  const { concurrency } = topology.policy;
  const rows = new Map(
    takeovers.map((one) => [one, size(one.step.keyspace, one.step.segments).rows]),
  );
  const smallestFirst = takeovers.toSorted((a, b) => compare(rows.get(a)!, rows.get(b)!));
  // Equally long: packed in the order in which they stand.
  const works = smallestFirst.map((one) => ({
    one,
    ends: [one.step.from, one.step.node],
    seconds: 1,
    shares: [],
    risks: risksOf(one.step),
  }));
  const together =
    moves <= concurrency.total
      ? smallestFirst.map((one) => [one])
      : inOrder(works, concurrency).map((wave) => wave.map(({ one }) => one));
  return together.flatMap((wave) => [
    wave.map(({ step }) => step),
    wave.flatMap((one) => one.repoints),
  ]);
}

function relabel({ keyspace, segments, before, after }: Kept): StepDraft {
  return { kind: "relabel", keyspace, segments, shard: after.shard, shardBefore: before.shard };
}

/** Whether the old writer, which follows the new one by itself, cannot acknowledge its writes. */
function isLeftAlone(
  { keyspaces }: Task,
  sets: ReadonlyMap<string, string>,
  { keyspace, before, after }: Kept,
): boolean {
  const known = keyspaces.find(({ id }) => id === keyspace);
  // Other settings come after this stage.
  if (known?.settings.before.ack !== "follower") return false;
  return sets.get(before.primary) === sets.get(after.primary);
}

/** Of what the segments have of the change: all copies but the new writer and the old one, which follows the new one by itself. */
function repoints(
  { keyspace, segments: all, before, after, added }: Kept,
  within: readonly Segment[],
): StepDraft[] {
  const pieces = (of: readonly Segment[]) =>
    sortSegments(of).map((one) => ({ ...one, value: null }));
  const segments = intersect(pieces(all), pieces(within)).map(({ lo, hi }) => ({ lo, hi }));
  if (segments.length === 0) return [];
  return [...copiesOf(before), ...added]
    .filter((node) => node !== after.primary && node !== before.primary)
    .toSorted(compareText)
    .map((node) => ({ kind: "repoint" as const, keyspace, segments, node, source: after.primary }));
}
