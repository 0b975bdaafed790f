import { sameSettings } from "../../routing/settings.js";
import { losslessUndo, type StageDraft, type StepDraft, type Task } from "../draft.js";

/** Once all copies are where they are to be: an acknowledgement may have to wait for one of them. */
export function settingsStage({ keyspaces }: Task): StageDraft {
  const wave = keyspaces
    .filter(({ settings: { before, after } }) => !sameSettings(before, after))
    .map(({ id, settings }): StepDraft => ({ kind: "settings", keyspace: id, ...settings }));
  return {
    kind: "settings",
    title: "other settings for the agents",
    waves: [wave],
    undo: losslessUndo("the settings before"),
  };
}
