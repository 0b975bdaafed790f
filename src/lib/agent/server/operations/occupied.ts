import type { Txn } from "../../../engines/contract.js";
import type { Segment } from "../../../keyspace/segment.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Context } from "./context.js";

/** Throws `occupied` when the node already holds a part of one of the segments, or still deletes what it held. */
export function occupied(
  { drops }: Context,
  txn: Txn,
  keyspace: string,
  segments: readonly Segment[],
): void {
  for (const segment of segments) {
    const [other] = txn.entriesIn(keyspace, segment);
    if (other === undefined) continue;
    const what = `${other.ownership.role} of ${keyspace} [${other.lo}, ${other.hi})`;
    throw new ProblemError(409, "occupied", `this node is already ${what}`, {
      hint: "Plan anew from the live state.",
    });
  }
  const [dropping] = drops.overlapping(keyspace, segments);
  if (dropping !== undefined) {
    const { lo, hi } = dropping.segment;
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
