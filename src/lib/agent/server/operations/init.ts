import { reignAbove, reigning } from "../../../ownership/permissions.js";
import { segmentsOf } from "../../protocol/operation.js";
import { ProblemError } from "../../protocol/problem.js";
import { deletedGeneration } from "../generations.js";
import { type Holding, isUntouched } from "../holdings.js";
import type { Kind } from "./context.js";
import { heldParts, makeEntries, removeEntries } from "./entries.js";

/** The node becomes the first primary of empty segments. Of all of them, or of none. */
export const init: Kind<"init"> = async (context, request) => {
  const { keyspace } = request;
  const { engine, holdings } = context;
  const generation = await engine.write((txn) => {
    const made = segmentsOf(request).filter((segment) => {
      const known = txn.entry(keyspace, segment);
      return known === null || !isUntouched(known, txn.cursor(keyspace, segment.lo));
    });
    if (made.length === 0) return txn.entry(keyspace, request)!.ownership.generation;
    const first = reignAbove(deletedGeneration(txn, keyspace), 1n);
    makeEntries(context, txn, request, made, { ownership: reigning(first), link: null });
    return first;
  });
  holdings.refresh();
  return { generation };
};

/** Undoes `init` of segments that never took a write. All parts of them, or none. */
export const retract: Kind<"retract"> = async (context, request) => {
  const { keyspace } = request;
  const { holdings } = context;
  const held = await heldParts(holdings, keyspace, segmentsOf(request));
  const parts = held.map(({ part }) => part);
  await removeEntries(context, keyspace, parts, (txn) => {
    for (const part of parts) {
      const entry = txn.entry(keyspace, part.entry);
      const untouched =
        entry !== null &&
        isUntouched(entry, txn.cursor(keyspace, part.lo)) &&
        part.state.phase.kind === "idle" &&
        holdings.isCurrent(part);
      if (!untouched) throw notEmpty(part);
    }
  });
  return {};
};

function notEmpty({ keyspace, lo, hi }: Holding): ProblemError {
  return new ProblemError(
    409,
    "not-empty",
    `${keyspace} [${lo}, ${hi}) has been written or moved since it was made`,
    { hint: "Its data would be lost. Move it with a new plan instead." },
  );
}
