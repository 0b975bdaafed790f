import type { Reader } from "../../routing/table.js";
import { isKept, type Kept } from "../changes.js";
import { losslessUndo, type StageDraft, type StepDraft, type Task } from "../draft.js";
import { copiesOf } from "../holdings.js";
import { compareText } from "../order.js";
import type { ReadersStep } from "../types.js";
import { apart } from "../waves/apart.js";

const ALL = 100;

/**
 * One stage for each percentage of the reads: new weights, then a window in which every new copy is watched. Of everything at
 * once, unless that would put too much at risk at one time.
 */
export function readStages(task: Task): StageDraft[] {
  const { reads } = task.topology.policy.promotion;
  const isGradual = task.changes.some((change) => isKept(change) && change.added.length > 0);
  return reads.map((percent, i): StageDraft => {
    const last = reads[i - 1] ?? 0;
    return {
      kind: "promote-reads",
      suffix: String(percent),
      title: isGradual
        ? `${percent} % of the reads to the new copies`
        : "no more reads from the copies that go",
      waves: raises(task, last, percent).flatMap((wave) => [
        wave.map(({ step }) => step),
        gates(task, wave),
      ]),
      undo: losslessUndo(isGradual ? `weights back to ${last} %` : "weights as before"),
    };
  });
}

/** More reads for some of the new copies of a change; none of them where copies only go. */
interface Raise {
  readonly change: Kept;
  readonly nodes: readonly string[];
  readonly step: Omit<ReadersStep, "id">;
}

/** The new copies of a change one after the other, where only one copy of a shard may be at risk. */
function raises(task: Task, from: number, to: number): Raise[][] {
  const kept = task.changes.filter(isKept);
  const gradual = kept.filter(({ added }) => added.length > 0);
  const dropping = kept.filter(({ added, removed }) => added.length === 0 && removed.length > 0);
  const changes = [...gradual, ...(to === ALL ? dropping : [])];
  const oneByOne = task.topology.policy.blastRadius === "set";
  const most = Math.max(1, ...gradual.map(({ added }) => added.length));
  return Array.from({ length: oneByOne ? most : 1 }, (_, i) => i).flatMap((i) => {
    const round = changes
      .filter(({ added }) => i === 0 || i < added.length)
      .map((change): Raise => {
        const nodes = oneByOne ? change.added.slice(i, i + 1) : change.added;
        return { change, nodes, step: readers(change, i, nodes, from, to) };
      });
    return apart(round, ({ step }) => task.risksOf(step));
  });
}

/** `raised`: how many of the new copies have `to` percent of the reads already; `nodes`: those that get them now. */
function readers(
  change: Kept,
  raised: number,
  nodes: readonly string[],
  from: number,
  to: number,
): Omit<ReadersStep, "id"> {
  const { keyspace, segments } = change;
  const now = raised + nodes.length;
  // The old copies give the reads away once all new ones have theirs.
  const left = now < change.added.length ? from : to;
  const before = weights(change, raised, from, to, change.added.length > 0 ? from : 0);
  const after = weights(change, now, from, to, left);
  return { kind: "readers", keyspace, segments, before, after };
}

/** Weights of all copies, sorted by node: `to` for so many of the new ones, `from` for the others; `given`: away by the old ones. */
function weights(
  { after, added, removed }: Kept,
  raised: number,
  from: number,
  to: number,
  given: number,
): Reader[] {
  const kept = copiesOf(after).filter((node) => !added.includes(node));
  return [
    ...kept.map((node) => ({ node, weight: ALL })),
    ...added.map((node, i) => ({ node, weight: i < raised ? to : from })),
    ...removed.map((node) => ({ node, weight: ALL - given })),
  ].toSorted((a, b) => compareText(a.node, b.node));
}

/** One gate for a node and the copy that it is held against, however many segments they share. */
function gates({ topology, copies }: Task, wave: readonly Raise[]): StepDraft[] {
  const raised = new Map(wave.map(({ change, nodes }) => [change as unknown, nodes]));
  const steps = copies
    .filter((copy) => raised.get(copy.change)?.includes(copy.node))
    .map(({ change, node, source }) => ({
      kind: "gate" as const,
      keyspace: change.keyspace,
      node,
      source,
      gates: topology.policy.gates,
    }));
  const unique = new Map(
    steps.map((step) => [`${step.keyspace}\0${step.node}\0${step.source}`, step]),
  );
  return [...unique.values()];
}
