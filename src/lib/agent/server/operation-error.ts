import { OpsError } from "../../errors.js";
import type { OperationError, OperationKind, OperationRequest } from "../protocol/operation.js";
import { ProblemError } from "../protocol/problem.js";

/** They change nothing, however they end. */
const LOOKING: readonly OperationKind[] = ["sync", "verify"];

/** What is stored of an operation that failed. */
export function operationErrorOf(error: unknown, { kind }: OperationRequest): OperationError {
  if (error instanceof ProblemError) {
    const { code, detail = code, retryable, outcome, hint } = error.problem;
    return { code, message: detail, retryable, outcome, ...(hint === undefined ? {} : { hint }) };
  }
  const outcome = LOOKING.includes(kind) ? "none" : "unknown";
  if (error instanceof OpsError) {
    const { code, message, hint } = error;
    return {
      code,
      message,
      retryable: false,
      outcome,
      ...(hint === undefined ? {} : { hint }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", message, retryable: true, outcome };
}
