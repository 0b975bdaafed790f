import { EXIT, OpsError } from "../errors.js";
import type { Said } from "../plan/said.js";
import { countItems, sayStep, sayUndo } from "../plan/say.js";
import type { Plan, Stage, Step, StepKind } from "../plan/any.js";
import { type RunStatus, isOver, isTouched } from "./journal/status.js";

/** What is left of a stage, in the order in which it is done. */
export interface AgendaStage {
  readonly stage: Stage;
  readonly waves: readonly (readonly Step[])[];
}

/** Whether there is a way back from the stage. */
export function isReversible(stage: Pick<Stage, "kind">): boolean {
  return stage.kind !== "retire";
}

/** What applying the plan has still to do, up to and with `until`; null for all. `status` is null for a new run. */
export function agendaForward(
  plan: Plan,
  status: RunStatus | null,
  until: string | null,
): AgendaStage[] {
  return stagesUpTo<Stage>(plan.stages, until).flatMap((stage) => left(stage, status));
}

/** What applying the plan does, up to and with `until`; null for all. */
export function stagesUpTo<S extends Pick<Stage, "id" | "kind">>(
  all: readonly S[],
  until: string | null,
): S[] {
  const stages = all.filter(isReversible);
  const end = until === null ? stages.length : stages.findIndex(({ id }) => id === until) + 1;
  return stages.slice(0, end);
}

/** What finalizing has still to do. */
export function agendaFinal(plan: Plan, status: RunStatus): AgendaStage[] {
  return plan.stages
    .filter((stage) => !isReversible(stage))
    .flatMap((stage) => left(stage, status));
}

/** What a rollback to the state after the stage `to` has still to undo, last first; null for all. */
export function agendaBack(plan: Plan, status: RunStatus, to: string | null): AgendaStage[] {
  const begin = to === null ? 0 : plan.stages.findIndex(({ id }) => id === to) + 1;
  return plan.stages
    .slice(begin)
    .toReversed()
    .map((stage) => ({
      stage,
      waves: stage.waves
        .toReversed()
        .map((wave) => wave.filter(({ id }) => isTouched(status, id)))
        .filter((wave) => wave.length > 0),
    }))
    .filter(({ waves }) => waves.length > 0);
}

/** One line of a dry run. */
export interface AgendaLine extends Said {
  readonly stage: string;
  readonly step: string;
  readonly kind: StepKind;
}

/** What `agenda` will do, step by step, in words; steps that need no undoing are left out of a way back. */
export function linesOf(
  agenda: readonly AgendaStage[],
  direction: "forward" | "back",
): AgendaLine[] {
  return agenda.flatMap(({ stage, waves }) =>
    waves.flat().flatMap((step) => {
      const said = direction === "forward" ? sayStep(step) : sayUndo(step);
      return said === null ? [] : [{ stage: stage.id, step: step.id, kind: step.kind, ...said }];
    }),
  );
}

/** How many things the steps of an agenda's stage are about, by what they have in common. */
export function countLeft(
  item: AgendaStage,
  direction: "forward" | "back",
): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const line of linesOf([item], direction))
    counts.set(line.like, (counts.get(line.like) ?? 0) + countItems([line]));
  return Object.fromEntries(counts);
}

/** A stage by its id, or by its kind where only one stage has it. Throws `no-such-stage` (exit 64). */
export function findStage(plan: Plan, name: string): Stage {
  const named = plan.stages.filter(({ id, kind }) => id === name || kind === name);
  const [stage] = named;
  if (stage !== undefined && (named.length === 1 || stage.id === name)) return stage;
  const ids = plan.stages.map(({ id }) => id).join(", ");
  const why =
    stage === undefined
      ? `the plan has no stage ${name}`
      : `${name} is the kind of ${named.length} stages`;
  throw new OpsError("no-such-stage", EXIT.usage, why, { hint: `its stages: ${ids}` });
}

function left(stage: Stage, status: RunStatus | null): AgendaStage[] {
  if (status?.stagesDone.has(stage.id)) return [];
  const waves = stage.waves
    .map((wave) => wave.filter(({ id }) => status === null || !isOver(status, id)))
    .filter((wave) => wave.length > 0);
  return [{ stage, waves }];
}
