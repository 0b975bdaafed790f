import { type DepartureTask, Superseded } from "../../../access/gateway/departures.js";
import type { Gateway } from "../../../access/gateway/gateway.js";
import type { OperationKind, OperationRequest } from "../../protocol/operation.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Perform, Task } from "../operations.js";

export const GATEWAY_KINDS = ["relogin", "disconnect"] as const satisfies readonly OperationKind[];

/** What a gateway does: it has sessions leave. */
export function departures(gateway: Gateway): Perform {
  return async (request, task) => {
    try {
      return { ...(await depart(gateway, request, task)) };
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
      throw new ProblemError(
        409,
        "superseded",
        "a later operation on account of the same entry has taken over",
        { outcome: "partial" },
      );
    }
  };
}

function depart(gateway: Gateway, request: OperationRequest, { signal, report }: Task) {
  const task = (phase: string): DepartureTask => ({
    signal,
    report: (done, total, rate) => report(phase, { done, total, unit: "sessions", rate }),
  });
  if (request.kind === "relogin") return gateway.relogin(request, task("telling"));
  if (request.kind === "disconnect") return gateway.disconnect(request, task("closing"));
  throw new ProblemError(400, "bad-request", `a gateway does no ${request.kind}`);
}
