import { overlaps } from "../../keyspace/map.js";
import { type OperationRequest, operationRequest, segmentsOf } from "../protocol/operation.js";
import { ProblemError } from "../protocol/problem.js";

/** Reads the body of a PUT. Throws 400 `bad-request`. */
export function parseRequest(body: unknown): OperationRequest {
  const parsed = operationRequest.safeParse(body);
  if (parsed.success) {
    const segments = "lo" in parsed.data ? segmentsOf(parsed.data) : [];
    if (segments.some(({ lo, hi }) => lo >= hi)) throw bad("lo must be below hi");
    if (overlaps(segments).length > 0) throw bad("the segments overlap");
    return parsed.data;
  }
  const issues = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "body"}: ${message}`,
  );
  throw bad(issues.join("; "));
}

function bad(detail: string): ProblemError {
  return new ProblemError(400, "bad-request", detail);
}
