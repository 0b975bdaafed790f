import type { JournalRecord, Stopped } from "./records.js";
import {
  type OpStatus,
  type PublishedStatus,
  type RunStatus,
  type StepStatus,
  isTouched,
  stageIndex,
  wholeStages,
} from "./status.js";

/** Evidence that a later process goes by, or tells. The rest stays in the journal only: the statuses of all runs are in memory at once. */
const READ_AGAIN: ReadonlySet<string> = new Set(["told", "receivers-before", "silent"]);

/** What a record changes of the status: single entries of its maps, and whole fields. */
export interface Edit {
  readonly fields?: Partial<RunStatus>;
  readonly op?: OpStatus;
  readonly step?: { readonly id: string; readonly to: StepStatus };
  readonly routes?: { readonly keyspace: string; readonly to: PublishedStatus };
}

/** Of a record that may follow. */
export function editOf(status: RunStatus, record: JournalRecord): Edit {
  const since = record.time;
  switch (record.type) {
    case "run.start":
      return {};
    case "run.resume":
      return {
        fields: {
          ...taken(record),
          without: new Map([
            ...status.without,
            ...(record.without ?? []).map(({ node, why }) => [node, why] as const),
          ]),
          activity: "running",
          stop: null,
          since,
        },
      };
    case "rollback.start":
      return {
        fields: {
          ...taken(record),
          direction: "undo",
          activity: "running",
          outcome: null,
          undoTo: record.to,
          stop: null,
          soakingSince: null,
          soakUntil: null,
          since,
        },
      };
    case "rollback.done": {
      // An earlier rollback may have gone further back than this one.
      const whole = wholeStages(status);
      const kept = status.stages.slice(0, stageIndex(status, record.to) + 1);
      const begun = kept.filter(({ id, waves }) =>
        waves.flat().some((step) => status.entered.has(id) && isTouched(status, step)),
      );
      const done = kept.filter((stage) => whole.includes(stage));
      return {
        fields: {
          direction: "apply",
          activity: "stopped",
          undoTo: null,
          stop: { reason: "rolled-back-to", step: null, error: null },
          entered: new Set([...done, ...begun].map(({ id }) => id)),
          stagesDone: new Set(done.map(({ id }) => id)),
          since,
        },
      };
    }
    case "finalize.start":
      return { fields: { ...taken(record), direction: "finalize", activity: "running", since } };
    case "run.stopped":
      return {
        fields: {
          activity: "stopped",
          stop: stopOf(record),
          since,
        },
      };
    case "run.soaking":
      return {
        fields: { activity: "soaking", soakingSince: since, soakUntil: record.until, since },
      };
    case "run.end": {
      const outcome = record.outcome === "superseded" ? "applied" : record.outcome;
      return { fields: { activity: "ended", outcome, stop: null, since } };
    }
    case "stage.enter":
      return { fields: { entered: new Set(status.entered).add(record.stage), since } };
    case "stage.done":
      return { fields: { stagesDone: new Set(status.stagesDone).add(record.stage), since } };
    case "op.intent": {
      const { op, step, attempt, undo, node, request, inverse, preState } = record;
      const known = status.steps.get(step);
      const state = undo ? undoing(status, step) : "begun";
      const about = { op, step, attempt, undo, node, request, inverse, preState };
      return {
        op: { ...about, state: "intended", result: null, error: null },
        step: {
          id: step,
          to: { state, ops: [...(known?.ops ?? []), op], evidence: known?.evidence ?? null },
        },
      };
    }
    case "op.accepted":
      return opEdit(status, record.op, { state: "accepted" });
    case "op.done":
      return opEdit(status, record.op, { state: "done", result: record.result, error: null });
    case "op.failed":
      return opEdit(status, record.op, { state: "failed", error: record.error });
    case "op.unknown":
      return opEdit(status, record.op, { state: "unknown", error: record.error });
    case "routes.intent": {
      const routes = { keyspace: record.keyspace, to: meant(record) };
      return { routes, ...publishing(status, record.step) };
    }
    case "policy.intent":
      return { fields: { policy: meant(record) }, ...publishing(status, record.step) };
    case "policy.published":
      return {
        fields: { policy: { ...status.policy!, published: true, missing: record.missing } },
      };
    case "routes.published": {
      const { keyspace, missing } = record;
      const known = status.routes.get(keyspace)!;
      return { routes: { keyspace, to: { ...known, published: true, missing } } };
    }
    case "adopt.intent":
      return { fields: { hasAdopted: true }, ...stepEdit(status, record.step, "begun") };
    case "evidence": {
      if (status.direction === "undo") return {};
      const { about, facts } = record;
      return stepEdit(
        status,
        record.step,
        "begun",
        READ_AGAIN.has(about) ? { about, facts } : null,
      );
    }
    case "step.done":
      return stepEdit(status, record.step, "done");
    case "step.left-out":
      return {
        ...stepEdit(status, record.step, "left-out"),
        fields: { leftOut: new Map(status.leftOut).set(record.step, record.node) },
      };
    case "step.undone":
      return stepEdit(status, record.step, "undone", null);
    case "step.postponed":
      return stepEdit(status, record.step, "postponed");
  }
}

function meant({ version, hash }: Pick<PublishedStatus, "version" | "hash">): PublishedStatus {
  return { version, hash, published: false, missing: [] };
}

function publishing(status: RunStatus, step: string | null): Edit {
  if (step === null) return {};
  return stepEdit(status, step, status.direction === "undo" ? undoing(status, step) : "begun");
}

/** A step that is being undone is no longer done, although it is not undone yet: nothing may rely on it. */
function undoing({ steps }: RunStatus, step: string): StepStatus["state"] {
  return steps.get(step)?.state === "postponed" ? "postponed" : "begun";
}

/** Of a record what says why, and nothing else of it. */
function stopOf(stopped: Stopped): Stopped {
  const { step, error } = stopped;
  return stopped.reason === "asked"
    ? { reason: "asked", by: stopped.by, step, error }
    : { reason: stopped.reason, step, error };
}

function taken({ epochs, actor }: { epochs: Readonly<Record<string, string>>; actor: string }) {
  return { epochs, actor };
}

function opEdit(status: RunStatus, op: string, fields: Partial<OpStatus>): Edit {
  return { op: { ...status.ops.get(op)!, ...fields } };
}

function stepEdit(
  { steps }: RunStatus,
  step: string,
  state: StepStatus["state"],
  evidence = steps.get(step)?.evidence ?? null,
): Edit {
  return { step: { id: step, to: { state, ops: steps.get(step)?.ops ?? [], evidence } } };
}
