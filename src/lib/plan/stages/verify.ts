import {
  isEmptyCopy,
  undoOfCopies,
  type Copy,
  type StageDraft,
  type StepDraft,
  type Task,
} from "../draft.js";
import { VERIFY_ROWS_PER_SECOND } from "../estimate.js";
import { schedule } from "../waves/schedule.js";
import { provenCopies } from "./sync.js";

/** Digests read both sides whole, so they keep to the limits of copies; nearly nothing goes over the lines. */
export function verifyStage(task: Task): StageDraft {
  const { topology, size, risksOf } = task;
  const proven = provenCopies(task);
  const works = proven
    .filter((copy) => !isEmptyCopy(copy))
    .map((copy) => {
      const { keyspace, segments } = copy.change;
      const step = verify(copy);
      const seconds = Number(size(keyspace, segments).rows) / VERIFY_ROWS_PER_SECOND;
      const risks = risksOf(step);
      return { step, ends: [copy.node, copy.source], seconds, shares: [], risks };
    });
  return {
    kind: "verify",
    title: "copies are equal to their sources",
    waves: [
      ...schedule(works, topology.policy.concurrency).map((wave) => wave.map(({ step }) => step)),
      proven.filter(isEmptyCopy).map(verify),
    ],
    undo: undoOfCopies(task),
  };
}

function verify({ change: { keyspace, segments }, node, source }: Copy): StepDraft {
  return { kind: "verify", keyspace, segments, node, source };
}
