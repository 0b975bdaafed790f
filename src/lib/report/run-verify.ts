import type { VerifiedCopies } from "../run/verify-run.js";
import { plural } from "../figures.js";
import { range } from "../plan/say.js";
import type { Segment } from "../keyspace/segment.js";
import { columns } from "./columns.js";
import { groupBy } from "./group.js";
import type { TextOptions } from "./text-options.js";

/** What came of comparing copies: a line for those of one node and source that are equal, one for each that differs. */
export function verifiedText(copies: readonly VerifiedCopies[], options: TextOptions): string {
  if (copies.length === 0) return "no copy is left to compare";
  const groups = groupBy(copies, ({ keyspace, node, source, segments, difference }) =>
    difference === null ? `${keyspace} ${node} ${source}` : range({ keyspace, segments }) + node,
  );
  return columns(
    groups.flatMap((group) => rowsOf(group, options)),
    options.width,
  );
}

function rowsOf(
  group: readonly [VerifiedCopies, ...VerifiedCopies[]],
  { verbose }: TextOptions,
): string[][] {
  const [{ keyspace, node, source, difference }] = group;
  const verdict = difference === null ? "equal" : "DIFFERS";
  const of = `${node} = ${source}`;
  const segments = group.flatMap((copies) => copies.segments);
  const row = (part: readonly Segment[], fact: string) => [
    verdict,
    range({ keyspace, segments: part }),
    of,
    fact,
  ];
  const rows = group.reduce((sum, copies) => sum + (copies.rows ?? 0), 0);
  const fact = difference ?? plural(rows, "row");
  if (segments.length === 1) return [row(segments, fact)];
  return [
    [verdict, `${keyspace} ${plural(segments.length, "segment")}`, of, fact],
    ...(verbose ? segments.map((segment) => row([segment], "")) : []),
  ];
}
