import { isCreated, isDiscarded, isKept, isRelabelled, type Change } from "../changes.js";
import { losslessUndo, type StageDraft, type StepDraft, type Task } from "../draft.js";
import { apart } from "../waves/apart.js";

/** Watch before anything is deleted. Not for what had no users yet, nor where clients go where they went before. */
export function soakStage({ topology, changes }: Task): StageDraft {
  const watched = changes.some((change) => !isCreated(change) && !isOnlyRelabelled(change));
  return {
    kind: "soak",
    title: "watch it under full load",
    waves: watched ? [[{ kind: "soak", seconds: topology.policy.soakSeconds }]] : [],
    undo: losslessUndo("as in the stages before: writes back, then reads, then the copies"),
  };
}

function isOnlyRelabelled(change: Change): boolean {
  return isRelabelled(change) && change.added.length + change.removed.length === 0;
}

/** The old copies go. Runs only when the run is finalized. */
export function retireStage({ changes, risksOf }: Task): StageDraft {
  const drops = changes
    .filter(isKept)
    .flatMap(({ keyspace, segments, removed }) =>
      removed.map((node) => ({ kind: "drop" as const, keyspace, segments, node })),
    );
  const gone = changes.filter(isDiscarded);
  const discards = (nodes: (change: (typeof gone)[number]) => readonly string[]): StepDraft[] =>
    gone.flatMap((change) =>
      nodes(change).map((node) => ({
        kind: "discard" as const,
        keyspace: change.keyspace,
        segments: change.segments,
        node,
      })),
    );
  const [first = [], ...others] = apart(drops, risksOf);
  return {
    kind: "retire",
    title: "drop the old copies (only on finalize)",
    // Replicas first: stopped between the two, what is left still has its primary.
    waves: [
      [...first, ...discards(({ before }) => before.replicas)],
      ...others,
      discards(({ before }) => [before.primary]),
    ],
    undo: {
      how: "none: a new plan that copies the data back",
      lossless: false,
      lossBound: "no acknowledged write, but the old copies are gone for good",
    },
  };
}
