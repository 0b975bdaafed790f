import type { VerifiedCopy } from "../run/verify-run.js";
import { plural } from "../figures.js";
import { range } from "../plan/say.js";
import { columns } from "./columns.js";
import { groupBy, rowsOf } from "./group.js";
import type { TextOptions } from "./text-options.js";

/** What came of comparing copies; every one that differs is told by itself. */
export function verifiedText(copies: readonly VerifiedCopy[], options: TextOptions): string {
  if (copies.length === 0) return "no copy is left to compare";
  const groups = groupBy(copies, (copy) => {
    const { keyspace, node, source, difference } = copy;
    return difference === null ? `${keyspace} ${node} ${source}` : `${placeOf(copy)} ${node}`;
  });
  return columns(rowsOf(groups, options, oneRow, equalRow), options.width);
}

function oneRow(copy: VerifiedCopy): string[] {
  const { node, source, difference, rows } = copy;
  return [
    difference === null ? "equal" : "DIFFERS",
    placeOf(copy),
    `${node} = ${source}`,
    difference ?? (rows === null ? "" : plural(rows, "row")),
  ];
}

function equalRow(group: readonly [VerifiedCopy, ...VerifiedCopy[]]): string[] {
  const [{ keyspace, node, source }] = group;
  const rows = group.reduce((sum, copy) => sum + (copy.rows ?? 0), 0);
  return [
    "equal",
    `${keyspace} ${plural(group.length, "segment")}`,
    `${node} = ${source}`,
    plural(rows, "row"),
  ];
}

function placeOf(copy: VerifiedCopy): string {
  return range({ keyspace: copy.keyspace, segments: [copy] });
}
