import { ORIGIN } from "../../../ownership/position.js";
import { reignAbove, reigning } from "../../../ownership/permissions.js";
import { segmentsOf } from "../../protocol/operation.js";
import { ProblemError } from "../../protocol/problem.js";
import { declareSharding } from "../data/shardings.js";
import { deletedGeneration, rememberGenerations } from "../generations.js";
import { type Holding, isUntouched } from "../holdings.js";
import type { Kind } from "./context.js";
import { occupied } from "./occupied.js";

/** The node becomes the first primary of empty segments. Of all of them, or of none. */
export const init: Kind<"init"> = async (context, request) => {
  const { keyspace, sharding } = request;
  const { engine, holdings } = context;
  const generation = await engine.write((txn) => {
    const made = segmentsOf(request).filter((segment) => {
      const known = txn.entry(keyspace, segment);
      return known === null || !isUntouched(known, txn.cursor(keyspace, segment.lo));
    });
    if (made.length === 0) return txn.entry(keyspace, request)!.ownership.generation;
    occupied(context, txn, keyspace, made);
    declareSharding(txn, keyspace, sharding);
    const first = reignAbove(deletedGeneration(txn, keyspace), 1n);
    for (const segment of made) {
      txn.putEntry({
        keyspace,
        ...segment,
        ownership: reigning(first),
        link: null,
        floor: ORIGIN,
        reigns: [],
      });
    }
    return first;
  });
  holdings.refresh();
  return { generation };
};

/** Undoes `init` of segments that never took a write. All parts of them, or none. */
export const retract: Kind<"retract"> = async ({ engine, holdings }, request) => {
  const { keyspace } = request;
  const parts: Holding[] = [];
  for (const { lo, hi } of segmentsOf(request))
    parts.push(...(await holdings.cutOrNone(keyspace, lo, hi)));
  const marked: Holding[] = [];
  try {
    await engine.write((txn) => {
      for (const part of parts) {
        const entry = txn.entry(keyspace, part.entry);
        const untouched =
          entry !== null &&
          isUntouched(entry, txn.cursor(keyspace, part.lo)) &&
          part.state.phase.kind === "idle" &&
          holdings.isCurrent(part);
        if (!untouched) throw notEmpty(part);
      }
      rememberGenerations(
        txn,
        keyspace,
        parts.map(({ entry }) => entry),
      );
      for (const part of parts) {
        part.ending = true;
        marked.push(part);
        txn.deleteEntry(keyspace, part.entry);
      }
    });
  } catch (error) {
    // Only those marked here: another one may be ending for a reason of its own.
    for (const part of marked) part.ending = false;
    throw error;
  }
  holdings.refresh();
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
