import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import { POSITION_END } from "../../../keyspace/segment.js";
import { parsePosition } from "../../../ownership/position.js";
import type { LogPosition } from "../../../ownership/types.js";
import { type Authority, HEADER, MAX_WAIT_MS } from "../../protocol/headers.js";
import { ProblemError } from "../../protocol/problem.js";

const UINT = /^(0|[1-9]\d{0,19})$/;
const SCOPE = /^(schedule|keyspace\/[A-Za-z0-9._-]{1,64})$/;
const LINEAGE = /^[A-Za-z0-9-]{8,64}$/;

/** The body in its shape. Throws 400 `bad-request` that names every field at fault. */
export function body<T>(shape: z.ZodType<T>, request: FastifyRequest): T {
  const parsed = shape.safeParse(request.body);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "body"}: ${message}`,
  );
  throw bad(problems.join("; "));
}

function header(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === "string" ? value : null;
}

/** Throws 400 `bad-request` when one of the three headers is missing or malformed. */
export function authorityOf(request: FastifyRequest): Authority {
  const scope = header(request, HEADER.scope);
  const epoch = header(request, HEADER.epoch);
  const lineage = header(request, HEADER.lineage);
  if (scope === null || !SCOPE.test(scope))
    throw bad("header Ops-Scope: expected keyspace/K or schedule");
  if (epoch === null || !UINT.test(epoch))
    throw bad("header Ops-Epoch: expected a decimal integer");
  if (lineage === null || !LINEAGE.test(lineage))
    throw bad("header Ops-Lineage: expected 8 to 64 letters, digits or dashes");
  return { scope, epoch: BigInt(epoch), lineage };
}

export function generationOf(request: FastifyRequest): bigint | null {
  const text = header(request, HEADER.generation);
  if (text === null) return null;
  if (!UINT.test(text)) throw bad("header Ops-Generation: expected a decimal integer");
  return BigInt(text);
}

export function minPositionOf(request: FastifyRequest): LogPosition | null {
  const text = header(request, HEADER.minPosition);
  if (text === null) return null;
  try {
    return parsePosition(text);
  } catch {
    throw bad("header Ops-Min-Position: expected GENERATION.INDEX, for example 3.18271");
  }
}

export type Query = Record<string, string | undefined>;

export function positionParam(query: Query, name: string, otherwise: bigint | null): bigint {
  const text = query[name];
  if (text === undefined && otherwise !== null) return otherwise;
  if (text === undefined || !UINT.test(text) || BigInt(text) > POSITION_END) {
    throw bad(`${name}: expected a position from 0 to 2^64`);
  }
  return BigInt(text);
}

export function integerParam(
  query: Query,
  name: string,
  least: number,
  most: number,
  otherwise: number,
): number {
  const text = query[name];
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!UINT.test(text) || value < least || value > most) {
    throw bad(`${name}: expected an integer from ${least} to ${most}`);
  }
  return value;
}

/** `wait=20s` or `wait=1500ms`; milliseconds, 0 when absent. Longer waits are cut to the longest allowed. */
export function waitParam(query: Query): number {
  const text = query["wait"];
  if (text === undefined) return 0;
  const match = /^(\d{1,7})(ms|s)$/.exec(text);
  if (match === null) throw bad("wait: expected a time such as 20s or 1500ms");
  return Math.min(MAX_WAIT_MS, Number(match[1]) * (match[2] === "s" ? 1000 : 1));
}

export function bad(detail: string): ProblemError {
  return new ProblemError(400, "bad-request", detail);
}
