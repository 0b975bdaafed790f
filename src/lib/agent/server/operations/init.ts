import { ORIGIN } from "../../../ownership/position.js";
import { reigning } from "../../../ownership/permissions.js";
import { segmentsOf } from "../../protocol/operation.js";
import { ProblemError } from "../../protocol/problem.js";
import { declareSharding } from "../data/shardings.js";
import type { Holding } from "../holdings.js";
import type { Kind } from "./context.js";
import { occupied } from "./occupied.js";

/** The node becomes the first primary of empty segments. Of all of them, or of none. */
export const init: Kind<"init"> = async (context, request) => {
  const { keyspace, sharding } = request;
  const { engine, holdings } = context;
  const generation = 1n;
  await engine.write((txn) => {
    const made = segmentsOf(request).filter((segment) => {
      const known = txn.entry(keyspace, segment)?.ownership;
      return known?.role !== "primary" || known.generation !== generation;
    });
    if (made.length === 0) return;
    occupied(context, txn, keyspace, made);
    declareSharding(txn, keyspace, sharding);
    for (const segment of made) {
      txn.putEntry({
        keyspace,
        ...segment,
        ownership: reigning(generation),
        link: null,
        floor: ORIGIN,
        reigns: [],
      });
    }
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
          entry?.ownership.role === "primary" &&
          entry.ownership.generation === 1n &&
          part.state.phase.kind === "idle" &&
          holdings.isCurrent(part) &&
          txn.cursor(keyspace, part.lo) === null;
        if (!untouched) throw notEmpty(part);
      }
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
