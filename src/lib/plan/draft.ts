import type { Topology } from "../topology/types.js";
import { isCreated, type Change } from "./changes.js";
import type { Size } from "./size.js";
import type { Standing } from "./standing.js";
import type { PlanKeyspace, ShardStage, ShardStageKind, ShardStep } from "./types.js";
import type { Segment } from "../keyspace/segment.js";
import type { Network } from "./waves/copies.js";
import type { Risks } from "./waves/risks.js";

/** A step that has no id yet. */
export type StepDraft = ShardStep extends infer S
  ? S extends ShardStep
    ? Omit<S, "id">
    : never
  : never;

/** A stage that has no id and no estimate yet. Waves may be empty: they are left out of the plan, and so are empty stages. */
export interface StageDraft {
  readonly kind: ShardStageKind;
  /** Ends the id of a stage whose kind comes several times. */
  readonly suffix?: string;
  readonly title: string;
  readonly waves: readonly (readonly StepDraft[])[];
  readonly undo: ShardStage["undo"];
}

/** What the makers of stages work from. */
export interface Task {
  readonly topology: Topology;
  readonly keyspaces: readonly PlanKeyspace[];
  readonly changes: readonly Change[];
  /** The copies to be made, each with its source. */
  readonly copies: readonly Copy[];
  readonly standing: ReadonlyMap<Change, readonly Standing[]>;
  readonly size: (keyspace: string, segments: readonly Segment[]) => Size;
  readonly network: Network;
  /** What a step puts at risk, where the policy asks for that. */
  readonly risksOf: (step: StepDraft) => Risks;
}

/** New copies of the segments of a change on one node. */
export interface Copy {
  readonly change: Change;
  readonly node: string;
  readonly source: string;
  readonly bytes: bigint;
}

/** Where something is being created there is nothing to copy: limits are for the others. */
export function isEmptyCopy(copy: Copy): boolean {
  return isCreated(copy.change);
}

const LOSSLESS = { lossless: true, lossBound: "none" } as const;

export function undoOfCopies({ copies }: Task): ShardStage["undo"] {
  const more = copies.length > 0 ? ", stop them and drop the new copies" : "";
  return losslessUndo(`point the links back${more}`);
}

/** How to get back from a stage without losing an acknowledged write. */
export function losslessUndo(how: string): ShardStage["undo"] {
  return { how, ...LOSSLESS };
}
