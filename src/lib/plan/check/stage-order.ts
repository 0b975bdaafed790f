import { STAGE_KINDS, type ShardStageKind } from "../types.js";
import type { Check } from "./finding.js";

const rank = (kind: ShardStageKind): number => STAGE_KINDS.indexOf(kind);

/** Stages come in the one order that can be taken back at any point, and the first is the preflight. */
export const stageOrder: Check = {
  rule: "stage-order",
  find({ stages }) {
    const late = stages
      .filter((stage, i) => i > 0 && rank(stage.kind) < rank(stages[i - 1]!.kind))
      .map((stage) => ({ message: `stage ${stage.id} comes too late`, step: null }));
    const first = stages[0];
    if (!first || first.kind === "preflight") return late;
    return [
      { message: `the plan begins with ${first.id} and not with a preflight`, step: null },
      ...late,
    ];
  },
};
