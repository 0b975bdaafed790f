import type { OperationKind } from "../../protocol/operation.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Perform } from "../operations.js";
import type { Context } from "./context.js";
import { discard } from "./discard.js";
import { drop } from "./drop.js";
import { init, retract } from "./init.js";
import { link, repoint, throttle } from "./link.js";
import { sync } from "./sync.js";
import { takeover } from "./takeover.js";
import { verify } from "./verify.js";

export const KINDS = [
  "init",
  "retract",
  "link",
  "repoint",
  "sync",
  "verify",
  "throttle",
  "takeover",
  "drop",
  "discard",
] as const satisfies readonly OperationKind[];

/** The kinds of operations, each by its own function. */
export function performer(context: Context): Perform {
  return async (request, task) => {
    switch (request.kind) {
      case "init":
        return init(context, request, task);
      case "retract":
        return retract(context, request, task);
      case "link":
        return link(context, request, task);
      case "repoint":
        return repoint(context, request, task);
      case "sync":
        return sync(context, request, task);
      case "verify":
        return verify(context, request, task);
      case "throttle":
        return throttle(context, request, task);
      case "takeover":
        return takeover(context, request, task);
      case "drop":
        return drop(context, request, task);
      case "discard":
        return discard(context, request, task);
      case "relogin":
      case "disconnect":
        throw new ProblemError(
          400,
          "bad-request",
          `an agent that holds data does no ${request.kind}`,
        );
    }
  };
}
