import type { Txn } from "../../../engines/contract.js";
import { ProblemError } from "../../protocol/problem.js";

/** Throws `occupied` when the node already holds a part of `[lo, hi)`. */
export function occupied(txn: Txn, keyspace: string, lo: bigint, hi: bigint): void {
  const other = txn
    .entries()
    .find((one) => one.keyspace === keyspace && one.lo < hi && one.hi > lo);
  if (other === undefined) return;
  const what = `${other.ownership.role} of ${keyspace} [${other.lo}, ${other.hi})`;
  throw new ProblemError(409, "occupied", `this node is already ${what}`, {
    hint: "Plan anew from the live state.",
  });
}
