import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { OpsError } from "../../../errors.js";
import { type Problem, ProblemError } from "../../protocol/problem.js";

export function sendProblem(reply: FastifyReply, told: Problem): FastifyReply {
  if (told.retryAfterMs !== undefined) {
    void reply.header("retry-after", String(Math.max(1, Math.ceil(told.retryAfterMs / 1000))));
  }
  return reply
    .status(told.status)
    .header("content-type", "application/problem+json")
    .send(JSON.stringify({ type: "about:blank", title: told.code, ...told }));
}

/** Everything that a handler throws, as problem+json. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const { statusCode, code, message } = error as Partial<FastifyError>;
  if (error instanceof OpsError) {
    const storage = error.code.startsWith("engine");
    return {
      status: storage ? 500 : 400,
      code: storage ? "storage" : error.code,
      detail: error.message,
      retryable: storage,
      outcome: storage ? "unknown" : "none",
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    };
  }
  if (statusCode !== undefined && statusCode < 500) {
    const known = statusCode === 413 ? "too-large" : "bad-request";
    return {
      status: statusCode,
      code: known,
      detail: message ?? code ?? "",
      retryable: false,
      outcome: "none",
    };
  }
  return {
    status: 500,
    code: "internal",
    detail: message ?? String(error),
    retryable: true,
    outcome: "unknown",
  };
}

export function notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(reply, {
    status: 404,
    code: "no-route",
    detail: `${request.method} ${request.url} is not part of this API`,
    retryable: false,
    outcome: "none",
    hint: "See /openapi.json.",
  });
}

/** Refuses a method on a path that takes others. */
export function wrongMethod(allowed: readonly string[]) {
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    sendProblem(reply.header("allow", allowed.join(", ")), {
      status: 405,
      code: "no-method",
      detail: `${request.url} does not take ${request.method}, only ${allowed.join(", ")}`,
      retryable: false,
      outcome: "none",
      hint: "See /openapi.json.",
    });
}
