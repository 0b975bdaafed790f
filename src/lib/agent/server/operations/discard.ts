import { mayDiscard } from "../../../ownership/permissions.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Holding } from "../holdings.js";
import type { Kind } from "./context.js";
import { deleteParts } from "./delete-parts.js";
import { heldParts } from "./entries.js";

/**
 * Deletes what the node holds of segments that nobody is to hold any more, as their primary too, all or none. Only what the routes
 * do not cover (any more): they are told first.
 */
export const discard: Kind<"discard"> = async (context, request, task) => {
  const { keyspace, also = [] } = request;
  const { holdings, routes } = context;
  const parts = await heldParts(holdings, keyspace, [request, ...also]);
  return deleteParts(
    context,
    request,
    task,
    parts.map(({ part }) => part),
    (txn) => {
      for (const { part, asked } of parts) {
        if (routes.mayLeadTo(keyspace, part)) throw stillRouted(part);
        const isThere = txn.entry(keyspace, part.entry) !== null && holdings.isCurrent(part);
        if (!isThere || !mayDiscard(part.state, asked.generation)) throw notDiscardable(part);
      }
    },
  );
};

function stillRouted({ keyspace, lo, hi }: Holding): ProblemError {
  return new ProblemError(
    409,
    "still-routed",
    `the routes that this node has lead to ${keyspace} [${lo}, ${hi}), or it has none`,
    { hint: "Publish routes without it first." },
  );
}

function notDiscardable({ keyspace, lo, hi, state }: Holding): ProblemError {
  const { role, generation } = state.durable;
  return new ProblemError(
    409,
    "not-droppable",
    `${keyspace} [${lo}, ${hi}) is ${role} at generation ${generation}, ${state.phase.kind}, or is being cut`,
    { retryable: true, hint: "See who holds what with `ops agent status`." },
  );
}
