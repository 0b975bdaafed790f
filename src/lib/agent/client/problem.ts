import { type Problem, problem } from "../protocol/problem.js";

/** What an agent answered instead of success, or why it could not be asked. */
export class AgentProblem extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Stable code; `unreachable` when there was no answer, `bad-answer` when it could not be understood. */
  readonly code: string;
  readonly retryable: boolean;
  /** Whether the request changed anything. */
  readonly outcome: Problem["outcome"];
  readonly hint: string | undefined;
  readonly url: string;
  readonly problem: Problem | null;

  constructor(url: string, told: Problem | { unreachable: unknown; sent: boolean }) {
    if ("unreachable" in told) {
      super(`${url}: ${reason(told.unreachable)}`, { cause: told.unreachable });
      this.status = 0;
      this.code = "unreachable";
      this.retryable = true;
      this.outcome = told.sent ? "unknown" : "none";
      this.hint = undefined;
      this.problem = null;
    } else {
      super(`${url}: ${told.detail ?? told.title ?? told.code}`);
      this.status = told.status;
      this.code = told.code;
      this.retryable = told.retryable;
      this.outcome = told.outcome;
      this.hint = told.hint;
      this.problem = told;
    }
    this.name = "AgentProblem";
    this.url = url;
  }
}

/** Reads problem+json; anything else that is not a success becomes `bad-answer` with its first words. */
export function readProblem(status: number, text: string): Problem {
  try {
    return problem.parse(JSON.parse(text));
  } catch {
    return {
      status,
      code: "bad-answer",
      detail: `HTTP ${status}: ${text.slice(0, 200)}`,
      retryable: status >= 500,
      outcome: status >= 500 ? "unknown" : "none",
    };
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && !error.message.includes(code)
    ? `${error.message} (${code})`
    : error.message || (typeof code === "string" ? code : error.name);
}
