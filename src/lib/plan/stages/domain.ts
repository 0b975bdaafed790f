import type { Segment } from "../../keyspace/segment.js";
import { losslessUndo, type StageDraft, type StepDraft, type Task } from "../draft.js";
import type { PlanKeyspace } from "../types.js";

/** Routes of new keyspaces, and of what a domain gains: in one table, so that it is whole when it is published. */
export function domainStage({ keyspaces }: Task): StageDraft {
  return {
    kind: "promote-reads",
    suffix: "first",
    title: "first routes of what is new",
    waves: [
      keyspaces.flatMap((keyspace) => step(keyspace, keyspace.domain.before, widest(keyspace))),
    ],
    undo: losslessUndo("the routes before; what is new is retracted, unless it took a write"),
  };
}

/** Clients are not sent any more to what nobody is to hold; the data stays until the run is finalized. */
export function narrowedDomains({ keyspaces }: Task): StepDraft[] {
  return keyspaces.flatMap((keyspace) => step(keyspace, widest(keyspace), keyspace.domain.after));
}

/** The routes once all that is new has some, and nothing has lost its own. */
function widest({ domain: { before, after } }: PlanKeyspace): Segment | null {
  if (before === null || after === null) return before ?? after;
  return {
    lo: before.lo < after.lo ? before.lo : after.lo,
    hi: before.hi > after.hi ? before.hi : after.hi,
  };
}

function step({ id }: PlanKeyspace, before: Segment | null, after: Segment | null): StepDraft[] {
  if (before?.lo === after?.lo && before?.hi === after?.hi) return [];
  return [{ kind: "domain", keyspace: id, before, after }];
}
