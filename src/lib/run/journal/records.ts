import type { StopRequest } from "../../state/contract.js";

/** A value as JSON holds it; 64-bit numbers are decimal strings. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

/** The shape of a plan that replay needs: which steps make up which wave of which stage. */
export interface StageShape {
  readonly id: string;
  /** False where there is no way back from the stage; only `finalize` enters it. */
  readonly reversible: boolean;
  readonly waves: readonly (readonly string[])[];
}

/** Why a step or an operation did not end well. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Whether anything changed at the agent. */
  readonly outcome: "none" | "partial" | "unknown";
  readonly hint: string | null;
}

export type StopReason =
  /** `--until` was reached. */
  | "until"
  /** Ctrl-C: stopped at a safe boundary. */
  | "signal"
  /** The same because somebody else wanted it: `run stop`, or who needs the locks. */
  | "asked"
  /** Ctrl-C twice: left work behind that goes on. */
  | "detached"
  | "failed"
  /** An agent could not be asked how something ended. */
  | "unknown"
  /** A rollback to a stage was done. */
  | "rolled-back-to";

/** Why a run stands still. Earlier versions wrote `signal` for `asked`. */
export type Stopped = {
  readonly step: string | null;
  readonly error: Failure | null;
} & (
  | { readonly reason: Exclude<StopReason, "asked"> }
  | { readonly reason: "asked"; readonly by: StopRequest }
);

export type Outcome =
  /** All is done, and there was nothing to watch and nothing to retire. */
  | "applied"
  | "finalized"
  | "rolled-back"
  /** Preflight said no; nothing was changed. */
  | "refused";

interface Taken {
  /** By scope, decimal. */
  readonly epochs: Readonly<Record<string, string>>;
  readonly actor: string;
  /** As it was typed. */
  readonly command: string;
}

/** An access agent that is gone for good: a person said so, and it does not answer. */
export interface Gone {
  readonly node: string;
  readonly why: string;
}

/**
 * What is journalled: intents before anything is sent, outcomes after. Not a debug log: a run is exactly what these say.
 * `undo` tells the operations of a rollback from those that they undo.
 */
export type RecordBody =
  | ({
      readonly type: "run.start";
      readonly run: string;
      readonly plan: string;
      readonly lineage: string;
      readonly stages: readonly StageShape[];
    } & Taken)
  | ({
      readonly type: "run.resume";
      /** From now on the run goes on without these. */ readonly without?: readonly Gone[];
    } & Taken)
  | ({
      readonly type: "rollback.start";
      /** Null: all of it. */ readonly to: string | null;
    } & Taken)
  | { readonly type: "rollback.done"; readonly to: string }
  | ({ readonly type: "finalize.start" } & Taken)
  | ({ readonly type: "run.stopped" } & Stopped)
  | { readonly type: "run.soaking"; /** When the soak is over, ISO 8601. */ readonly until: string }
  | {
      readonly type: "run.end";
      /** Earlier versions wrote `superseded` for `applied`, once the next run of the keyspaces began. */
      readonly outcome: Outcome | "superseded";
      readonly why: string | null;
    }
  | { readonly type: "stage.enter" | "stage.done"; readonly stage: string }
  | {
      readonly type: "op.intent";
      readonly op: string;
      readonly step: string;
      readonly attempt: number;
      readonly undo: boolean;
      readonly node: string;
      readonly url: string;
      readonly request: JsonObject;
      readonly requestHash: string;
      /** What would take it back; null where nothing has to be. */
      readonly inverse: JsonObject | null;
      /** What the node said about the range before. */
      readonly preState: Json;
    }
  | { readonly type: "op.accepted"; readonly op: string }
  | { readonly type: "op.done"; readonly op: string; readonly result: JsonObject }
  | { readonly type: "op.failed"; readonly op: string; readonly error: Failure }
  | { readonly type: "op.unknown"; readonly op: string; readonly error: Failure }
  | {
      readonly type: "routes.intent";
      readonly step: string | null;
      readonly keyspace: string;
      readonly version: number;
      readonly hash: string;
    }
  | {
      readonly type: "routes.published";
      readonly keyspace: string;
      readonly version: number;
      /** Agents that have not acknowledged it. */
      readonly missing: readonly string[];
    }
  | {
      readonly type: "policy.intent";
      readonly step: string | null;
      readonly version: number;
      readonly hash: string;
    }
  | {
      readonly type: "policy.published";
      readonly version: number;
      /** Agents that have not acknowledged it. */
      readonly missing: readonly string[];
    }
  | {
      /** A node is asked to leave the control plane `from` for this one. */
      readonly type: "adopt.intent";
      readonly step: string;
      readonly node: string;
      readonly from: string;
    }
  | {
      readonly type: "evidence";
      readonly step: string;
      readonly about: string;
      readonly facts: JsonObject;
    }
  | { readonly type: "step.done" | "step.undone"; readonly step: string }
  /** The run goes on without what the step would have done: its agent is gone. */
  | ({ readonly type: "step.left-out"; readonly step: string } & Gone)
  /** A rollback went on without a node that did not answer; the step is undone later. */
  | { readonly type: "step.postponed"; readonly step: string; readonly error: Failure };

export type JournalRecord = RecordBody & {
  /** From 1, without gaps. */
  readonly seq: number;
  /** ISO 8601. */
  readonly time: string;
  /** Hash of the record before; 64 zeros in the first one. */
  readonly prev: string;
};
