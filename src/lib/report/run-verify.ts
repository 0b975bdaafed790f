import type { VerifiedCopy } from "../run/verify-run.js";
import { columns } from "./columns.js";

/** One line for each copy that was compared. */
export function verifiedText(copies: readonly VerifiedCopy[]): string {
  if (copies.length === 0) return "no copy is left to compare";
  return columns(
    copies.map(({ keyspace, lo, hi, node, source, rows, difference }) => [
      difference === null ? "equal" : "DIFFERS",
      `${keyspace} [${lo}, ${hi})`,
      `${node} = ${source}`,
      difference ?? (rows === null ? "" : `${rows} rows`),
    ]),
  );
}
