import type { Reader } from "../../routing/table.js";
import { isKept, type Change, type Kept } from "../changes.js";
import { losslessUndo, type StageDraft, type StepDraft, type Task } from "../draft.js";
import { copiesOf } from "../holdings.js";
import { compareText } from "../order.js";

const ALL = 100;

/** One stage for each percentage of the reads: new weights for everything, then a window in which every new copy is watched. */
export function readStages(task: Task): StageDraft[] {
  const kept = task.changes.filter(isKept);
  const gradual = kept.filter(({ added }) => added.length > 0);
  const dropping = kept.filter(({ added, removed }) => added.length === 0 && removed.length > 0);
  return task.topology.policy.promotion.reads.map((percent, i, percents): StageDraft => {
    const last = percents[i - 1] ?? 0;
    const gradually = gradual.map((change) => readers(change, last, percent));
    const atOnce = percent === ALL ? dropping.map((change) => readers(change, 0, ALL)) : [];
    return {
      kind: "promote-reads",
      suffix: String(percent),
      title:
        gradual.length > 0
          ? `${percent} % of the reads to the new copies`
          : "no more reads from the copies that go",
      waves: [[...gradually, ...atOnce], gates(task, gradual)],
      undo: losslessUndo(gradual.length > 0 ? `weights back to ${last} %` : "weights as before"),
    };
  });
}

function readers(change: Kept, from: number, to: number): StepDraft {
  const { keyspace, segments } = change;
  const [before, after] = [weights(change, from), weights(change, to)];
  return { kind: "readers", keyspace, segments, before, after };
}

/** Weights of all old and new copies, sorted by node, when the new ones have `percent` of the reads. */
function weights({ after, added, removed }: Kept, percent: number): Reader[] {
  const kept = copiesOf(after).filter((node) => !added.includes(node));
  return [
    ...kept.map((node) => ({ node, weight: ALL })),
    ...added.map((node) => ({ node, weight: percent })),
    ...removed.map((node) => ({ node, weight: ALL - percent })),
  ].toSorted((a, b) => compareText(a.node, b.node));
}

/** One gate for a node and the copy that it is held against, however many segments they share. */
function gates({ topology, copies }: Task, gradual: readonly Change[]): StepDraft[] {
  const watched = new Set(gradual);
  const steps = copies
    .filter((copy) => watched.has(copy.change))
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
