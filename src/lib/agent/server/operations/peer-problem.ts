import type { AgentProblem } from "../../client/problem.js";
import { ProblemError } from "../../protocol/problem.js";

/** What came of a question to another node that changes nothing, for whoever asked for the operation. */
export function peerProblem(node: string, error: AgentProblem): ProblemError {
  const { status, code, message, retryable } = error;
  return status === 0
    ? new ProblemError(503, "peer-unreachable", `no answer from ${node} at ${message}`, {
        retryable: true,
        hint: `Start the agent of ${node} again, or open the way to it.`,
      })
    : new ProblemError(409, code, `${node} answered ${code}: ${message}`, { retryable });
}
