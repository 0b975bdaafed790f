import type {
  Failure,
  Json,
  JournalRecord,
  JsonObject,
  Outcome,
  StageShape,
  Stopped,
} from "./records.js";

export type Direction = "apply" | "undo" | "finalize";
export type Activity = "running" | "stopped" | "soaking" | "ended";
export type OpState = "intended" | "accepted" | "done" | "failed" | "unknown";

/** One attempt of one operation. `intended`, `accepted` and `unknown` are open: their outcome is still to be learned. */
export interface OpStatus {
  readonly op: string;
  readonly step: string;
  readonly attempt: number;
  readonly undo: boolean;
  readonly node: string;
  readonly state: OpState;
  readonly request: JsonObject;
  readonly inverse: JsonObject | null;
  readonly preState: Json;
  readonly result: JsonObject | null;
  readonly error: Failure | null;
}

/** A version of a document that a run meant to publish. */
export interface PublishedStatus {
  readonly version: number;
  readonly hash: string;
  readonly published: boolean;
  readonly missing: readonly string[];
}

export interface StepStatus {
  /**
   * `undone` steps are as if they had never been begun, and may be begun again. A `postponed` one is still to be undone, but
   * does not keep the writes from going back. One that was `left-out` is over, and there is nothing to undo.
   */
  readonly state: "begun" | "done" | "postponed" | "undone" | "left-out";
  /** In the order of their attempts. */
  readonly ops: readonly string[];
  /** The last that was noted about it on the way there, if a later process goes by it; else null. */
  readonly evidence: { readonly about: string; readonly facts: JsonObject } | null;
}

export interface WaveTally {
  readonly size: number;
  /** Those that were left out count. */
  readonly done: number;
  /** Steps that left something behind that keeps earlier ones from being undone: begun or done, not postponed. */
  readonly inTheWay: number;
}

/** What a journal says about its run. Computed by `nextStatus` and nothing else. */
export interface RunStatus {
  readonly run: string;
  readonly plan: string;
  readonly lineage: string;
  readonly epochs: Readonly<Record<string, string>>;
  readonly direction: Direction;
  readonly activity: Activity;
  readonly outcome: Outcome | null;
  readonly stages: readonly StageShape[];
  readonly entered: ReadonlySet<string>;
  readonly stagesDone: ReadonlySet<string>;
  readonly steps: ReadonlyMap<string, StepStatus>;
  /** Of each wave of each stage, counted along: a run of ten thousand steps must not count them anew for every record. */
  readonly tally: readonly (readonly WaveTally[])[];
  readonly ops: ReadonlyMap<string, OpStatus>;
  /** The last table of each keyspace that this run meant to publish. */
  readonly routes: ReadonlyMap<string, PublishedStatus>;
  /** The last policy for users that this run meant to publish. */
  readonly policy: PublishedStatus | null;
  /** Agents that the run goes on without, and why. */
  readonly without: ReadonlyMap<string, string>;
  /** Of each step that was left out, which of them would have done it. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** A node was asked to leave another control plane for this one. */
  readonly hasAdopted: boolean;
  /** The stage that a rollback goes back to; null for the beginning. */
  readonly undoTo: string | null;
  /** Since when, and up to when; null for a run that does not soak, and has not. */
  readonly soakingSince: string | null;
  readonly soakUntil: string | null;
  readonly stop: Stopped | null;
  readonly actor: string;
  readonly startedAt: string;
  /** Time of the last record, and of the last change of direction, activity or stage. */
  readonly updatedAt: string;
  readonly since: string;
  readonly seq: number;
}

/** A record that may not follow the ones before it: a bug, or a journal that something else wrote. */
export class IllegalRecord extends Error {
  readonly seq: number;

  constructor(record: JournalRecord, why: string) {
    super(`record ${record.seq} (${record.type}): ${why}`);
    this.name = "IllegalRecord";
    this.seq = record.seq;
  }
}

export function isOpen(op: OpStatus): boolean {
  return op.state === "intended" || op.state === "accepted" || op.state === "unknown";
}

/** Open operations of one step, or of the whole run. */
export function openOps({ ops, steps }: RunStatus, step?: string): OpStatus[] {
  if (step === undefined) return [...ops.values()].filter(isOpen);
  return (steps.get(step)?.ops ?? []).map((op) => ops.get(op)!).filter(isOpen);
}

/** The position of a stage in the plan; -1 for null (the beginning). */
export function stageIndex(status: RunStatus, stage: string | null): number {
  return stage === null ? -1 : status.stages.findIndex(({ id }) => id === stage);
}

export interface StepPlace {
  readonly stage: number;
  readonly wave: number;
}

/** A plan's shape never changes; every record asks for the place of its step. */
const places = new WeakMap<readonly StageShape[], ReadonlyMap<string, StepPlace>>();

/** Where a step stands in the plan: its stage and wave. Null for a step that the plan does not have. */
export function placeOf({ stages }: Pick<RunStatus, "stages">, step: string): StepPlace | null {
  let known = places.get(stages);
  if (known === undefined) {
    known = new Map(
      stages.flatMap(({ waves }, stage) =>
        waves.flatMap((steps, wave) => steps.map((id) => [id, { stage, wave }] as const)),
      ),
    );
    places.set(stages, known);
  }
  return known.get(step) ?? null;
}

/** Whether the step left anything behind that a rollback has to look at. */
export function isTouched(status: RunStatus, step: string): boolean {
  const state = status.steps.get(step)?.state;
  return state !== undefined && state !== "undone" && state !== "left-out";
}

/** Whether nothing of the step is left to do on the way there. */
export function isOver({ steps }: Pick<RunStatus, "steps">, step: string): boolean {
  const state = steps.get(step)?.state;
  return state === "done" || state === "left-out";
}

/**
 * The first stages that are done and of which no step has been undone since: at the end of each of them the run can stand, at no
 * later one.
 */
export function wholeStages(status: RunStatus): readonly StageShape[] {
  const { stages, stagesDone } = status;
  const end = stages.findIndex(
    ({ id, waves }) => !stagesDone.has(id) || waves.flat().some((step) => !isOver(status, step)),
  );
  return end === -1 ? stages : stages.slice(0, end);
}

/** Whether a run that is applied has asked no agent for a change yet, nor published anything. */
export function isUntouched({ direction, ops, routes, policy, hasAdopted }: RunStatus): boolean {
  const isUnpublished = routes.size === 0 && policy === null;
  return direction === "apply" && ops.size === 0 && isUnpublished && !hasAdopted;
}
