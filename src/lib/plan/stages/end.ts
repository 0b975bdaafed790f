import { losslessUndo, type StageDraft, type Task } from "../draft.js";

/** Watch before anything is deleted. Not for keyspaces that had no users yet. */
export function soakStage({ topology, changes }: Task): StageDraft {
  const changed = changes.some((change) => change.before !== null);
  return {
    kind: "soak",
    title: "watch it under full load",
    waves: changed ? [[{ kind: "soak", seconds: topology.policy.soakSeconds }]] : [],
    undo: losslessUndo("as in the stages before: writes back, then reads, then the copies"),
  };
}

/** The old copies go. Runs only when the run is finalized. */
export function retireStage({ changes }: Task): StageDraft {
  const wave = changes.flatMap(({ keyspace, segment, removed }) =>
    removed.map((node) => ({ kind: "drop" as const, keyspace, segment, node })),
  );
  return {
    kind: "retire",
    title: "drop the old copies (only on finalize)",
    waves: [wave],
    undo: {
      how: "none: a new plan that copies the data back",
      lossless: false,
      lossBound: "no acknowledged write, but the old copies are gone for good",
    },
  };
}
