import type { StoredEntry, Txn } from "../../../engines/contract.js";
import { overlapOf } from "../../../keyspace/map.js";
import type { Segment } from "../../../keyspace/segment.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Context } from "./context.js";

/** What the node holds of a segment. */
export function heldIn(txn: Txn, keyspace: string, segment: Segment): StoredEntry[] {
  return txn
    .entries()
    .filter((entry) => entry.keyspace === keyspace && overlapOf(entry, segment) !== null);
}

/** Throws `occupied` when the node already holds a part of `[lo, hi)`, or still deletes what it held. */
export function occupied(
  { drops }: Context,
  txn: Txn,
  keyspace: string,
  lo: bigint,
  hi: bigint,
): void {
  const [other] = heldIn(txn, keyspace, { lo, hi });
  if (other !== undefined) {
    const what = `${other.ownership.role} of ${keyspace} [${other.lo}, ${other.hi})`;
    throw new ProblemError(409, "occupied", `this node is already ${what}`, {
      hint: "Plan anew from the live state.",
    });
  }
  if (drops.overlapping(keyspace, lo, hi).length > 0) {
    throw new ProblemError(
      409,
      "occupied",
      `this node still deletes an older copy of ${keyspace} [${lo}, ${hi})`,
      {
        retryable: true,
        hint: "Wait until the drop has ended: see `ops agent status`.",
      },
    );
  }
}
