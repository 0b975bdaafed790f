import type { Reader } from "../../routing/table.js";
import type { Change } from "../changes.js";
import { losslessUndo, type StageDraft, type StepDraft, type Task } from "../draft.js";
import { copiesOf } from "../holdings.js";
import { compareText } from "../order.js";

const ALL = 100;

/** The first route table of every new keyspace: all its segments in one wave, so that it is whole when it is published. */
export function firstRoutesStage({ changes }: Task): StageDraft {
  const wave = changes
    .filter((change) => change.before === null)
    .map((change) => readers(change, [], ALL));
  return {
    kind: "promote-reads",
    suffix: "first",
    title: "first routes of new keyspaces",
    waves: [wave],
    undo: losslessUndo("retract the segments, which is refused once one of them took a write"),
  };
}

/** One stage for each percentage of the reads: new weights for everything, then a window in which every new copy is watched. */
export function readStages(task: Task): StageDraft[] {
  const gradual = task.changes.filter(
    (change) => change.before !== null && change.added.length > 0,
  );
  const dropping = task.changes.filter(
    (change) => change.added.length === 0 && change.removed.length > 0,
  );
  return task.topology.policy.promotion.reads.map((percent, i, percents): StageDraft => {
    const last = percents[i - 1] ?? 0;
    const gradually = gradual.map((change) => readers(change, weights(change, last), percent));
    const atOnce =
      percent === ALL ? dropping.map((change) => readers(change, weights(change, 0), ALL)) : [];
    return {
      kind: "promote-reads",
      suffix: String(percent),
      title: `${percent} % of the reads to the new copies`,
      waves: [[...gradually, ...atOnce], gates(task, gradual)],
      undo: losslessUndo(`weights back to ${last} %`),
    };
  });
}

function readers(change: Change, before: readonly Reader[], percent: number): StepDraft {
  const { keyspace, segment } = change;
  return { kind: "readers", keyspace, segment, before, after: weights(change, percent) };
}

/** Weights of all old and new copies, sorted by node, when the new ones have `percent` of the reads. */
function weights(change: Change, percent: number): Reader[] {
  const kept = copiesOf(change.after).filter((node) => !change.added.includes(node));
  return [
    ...kept.map((node) => ({ node, weight: ALL })),
    ...change.added.map((node) => ({ node, weight: change.before ? percent : ALL })),
    ...change.removed.map((node) => ({ node, weight: ALL - percent })),
  ].toSorted((a, b) => compareText(a.node, b.node));
}

/** One gate for a node and the copy that it is held against, however many segments they share. */
function gates({ topology, copies }: Task, gradual: readonly Change[]): StepDraft[] {
  const steps = copies
    .filter((copy) => gradual.includes(copy.change))
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
