import { ORIGIN } from "../../../ownership/position.js";
import { reigning } from "../../../ownership/permissions.js";
import { ProblemError } from "../../protocol/problem.js";
import { Data } from "../data.js";
import type { Kind } from "./context.js";
import { occupied } from "./occupied.js";

/** The node becomes the first primary of an empty segment. */
export const init: Kind<"init"> = async ({ engine, holdings }, { keyspace, lo, hi, sharding }) => {
  const generation = 1n;
  await engine.write((txn) => {
    const known = txn.entry(keyspace, { lo, hi });
    if (known?.ownership.role === "primary" && known.ownership.generation === generation) return;
    occupied(txn, keyspace, lo, hi);
    Data.declare(txn, keyspace, sharding);
    const segment = { keyspace, lo, hi };
    txn.putEntry({
      ...segment,
      ownership: reigning(generation),
      link: null,
      floor: ORIGIN,
      reigns: [],
    });
  });
  holdings.refresh();
  return { generation };
};

/** Undoes `init` of a segment that never took a write. */
export const retract: Kind<"retract"> = async ({ engine, holdings }, { keyspace, lo, hi }) => {
  await engine.write((txn) => {
    for (const entry of txn.entries()) {
      if (entry.keyspace !== keyspace || entry.lo >= hi || entry.hi <= lo) continue;
      const { ownership } = entry;
      const untouched =
        ownership.role === "primary" &&
        ownership.generation === 1n &&
        txn.cursor(keyspace, entry.lo) === null;
      if (!untouched || entry.lo < lo || entry.hi > hi) {
        throw new ProblemError(
          409,
          "not-empty",
          `${keyspace} [${entry.lo}, ${entry.hi}) has been written or moved since`,
          {
            hint: "Its data would be lost. Move it with a new plan instead.",
          },
        );
      }
      txn.deleteEntry(keyspace, entry);
    }
  });
  holdings.refresh();
  return {};
};
