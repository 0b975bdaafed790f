import { z } from "zod";

/** An error as it goes over the wire: RFC 9457 problem+json with this project's members. */
export const problem = z.object({
  type: z.string().optional(),
  title: z.string().optional(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string().optional(),
  retryable: z.boolean().default(false),
  /** Whether anything changed. */
  outcome: z.enum(["none", "partial", "unknown"]).default("unknown"),
  hint: z.string().optional(),
  /** Of `wrong-node`: who takes the access, as far as the answering node knows. */
  owner: z.string().nullish(),
  node: z.string().nullish(),
  generation: z.string().nullish(),
  /** Of `split`: where the first part ends. The asker cuts its own there and asks for the parts. */
  splitAt: z.string().optional(),
  /** Of `moving`. */
  retryAfterMs: z.number().optional(),
});
export type Problem = z.infer<typeof problem>;

/** Thrown by an agent's handlers; the HTTP layer turns it into problem+json. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(
    status: number,
    code: string,
    detail: string,
    more: Partial<Omit<Problem, "status" | "code" | "detail">> = {},
  ) {
    super(detail);
    this.name = "ProblemError";
    this.problem = { status, code, detail, retryable: false, outcome: "none", ...more };
  }
}
