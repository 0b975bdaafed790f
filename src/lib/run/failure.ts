import { AgentProblem } from "../agent/client/problem.js";
import { EXIT, type Exit, OpsError } from "../errors.js";
import type { Failure } from "./journal/records.js";

/** Why a step ended without success. The run stops; what was journalled says from where to go on. */
export class StepFailure extends Error {
  readonly failure: Failure;
  readonly exit: Exit;
  /** Set by the executor. */
  step: string | null = null;

  constructor(
    failure: Failure,
    exit: Exit = failure.outcome === "unknown" ? EXIT.unknown : EXIT.partial,
  ) {
    super(failure.message);
    this.name = "StepFailure";
    this.failure = failure;
    this.exit = exit;
  }
}

/** Thrown where waiting ends because the run is to stop: what was waited for goes on at the agent. */
export class Interrupted extends Error {
  readonly how: "stopping" | "detached";

  constructor(how: "stopping" | "detached") {
    super(how);
    this.name = "Interrupted";
    this.how = how;
  }
}

export function failure(
  code: string,
  message: string,
  more: Partial<Omit<Failure, "code" | "message">> = {},
): Failure {
  return { code, message, outcome: more.outcome ?? "none", hint: more.hint ?? null };
}

/** Says which node was asked what, and what came back. */
export function failureOf(problem: AgentProblem, node: string, asked: string): Failure {
  return {
    code: problem.code,
    message: `${node} was asked to ${asked}; ${problem.code === "unreachable" ? `no answer from ${problem.message}` : `it answered ${problem.code}: ${problem.message}`}`,
    outcome: problem.outcome,
    hint: problem.hint ?? null,
  };
}

/** An operation failed because a node that its agent needs does not answer it. */
export const PEER_UNREACHABLE = "peer-unreachable";

const TAKEN_OVER =
  "another ops took over this scope: ops run list shows its run; this one changes nothing any more";

/** The lock of a scope is not this process's any more. */
export function lockLost(scope: string): StepFailure {
  const message = `the lock of ${scope} was taken from this process`;
  return new StepFailure(failure("lock-lost", message, { hint: TAKEN_OVER }), EXIT.locked);
}

/** Problems that no retry gets over: another run has the scope, or this control plane may not act here at all. */
export function refusalOf(problem: AgentProblem, node: string, asked: string): StepFailure | null {
  const told = failureOf(problem, node, asked);
  if (problem.code === "stale-epoch") {
    return new StepFailure({ ...told, outcome: "none", hint: TAKEN_OVER }, EXIT.locked);
  }
  if (problem.code === "unknown-lineage") {
    const hint =
      "the node belongs to another control plane (state directory): use that one's --state; if it is lost: ops agent adopt";
    return new StepFailure({ ...told, outcome: "none", hint }, EXIT.refused);
  }
  if (problem.status === 401 || problem.status === 403) {
    return new StepFailure({ ...told, outcome: "none" }, EXIT.unreachable);
  }
  return null;
}

/** For people and programs, with the next command to type. */
export function runError(
  told: StepFailure,
  run: string,
  where: string,
  commands: readonly string[],
): OpsError {
  const { code, message, outcome, hint } = told.failure;
  const changed = {
    none: "nothing was changed by it",
    partial: "a part of it was done",
    unknown: "whether anything was changed is not known",
  };
  return new OpsError(code, told.exit, `${where}: ${message}; ${changed[outcome]}`, {
    hint: [...(hint === null ? [] : [hint]), ...commands].join("\n      "),
    details: { run, step: told.step, outcome },
    cause: told,
  });
}

/** The problem of an agent that was thrown; anything else is a bug and is thrown on. */
export function asProblem(error: unknown): AgentProblem {
  if (error instanceof AgentProblem) return error;
  throw error;
}
