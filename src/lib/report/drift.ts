import { plural } from "../figures.js";
import { formatSegment } from "../keyspace/wire.js";
import type { Difference, Drift } from "../run/drift/types.js";
import { wrap } from "../wrap.js";
import { groupBy, itemsText } from "./group.js";
import type { TextOptions } from "./text-options.js";

type Out = (text: string, indent: number) => string[];

/** What differs from the file and what mends it, by keyspace. Of many segments the first few, unless all are asked for. */
export function driftText(
  { differences, unknown, notes }: Drift,
  agents: number,
  { width, verbose }: TextOptions,
): string {
  const out: Out = (text, indent) => wrap(text, width, indent);
  const lines = [
    ...out(headText(differences.length, unknown.length, agents), 2),
    ...groupLines(differences, verbose, out),
    ...(unknown.length === 0 ? [] : ["not known"]),
    ...unknown.flatMap(({ node, url, why, mend }) => [
      ...out(`  ${node} at ${url} does not answer: ${why}`, 4),
      ...out(`    mend    ${mend}`, 12),
    ]),
    ...notes.flatMap((note) => out(`note: ${note}`, 2)),
  ];
  return lines.join("\n");
}

/** What an adoption leaves as it is, although the file says otherwise. */
export function leftText(left: readonly Difference[], { width, verbose }: TextOptions): string {
  const out: Out = (text, indent) => wrap(text, width, indent);
  if (left.length === 0) return "What is there is as the file says.";
  const head = `The file has ${plural(left.length, "thing")} otherwise; adopting changes none of them`;
  return [...out(head, 2), ...groupLines(left, verbose, out)].join("\n");
}

function groupLines(differences: readonly Difference[], verbose: boolean, out: Out): string[] {
  return groupBy(differences, ({ keyspace }) => keyspace ?? "").flatMap((group) => [
    group[0].keyspace ?? "cluster",
    ...group.flatMap((difference) => differenceLines(difference, verbose, out)),
  ]);
}

function headText(differences: number, silent: number, agents: number): string {
  const unseen = silent === 0 ? "" : `; ${silent} of ${plural(agents, "agent")} did not answer`;
  if (differences > 0) return `${plural(differences, "difference")}${unseen}`;
  return silent === 0
    ? `no drift: ${plural(agents, "agent")} and the routes are as the file says`
    : `no difference at those that answer${unseen}`;
}

function differenceLines(
  { about, nodes, segments, wanted, live, lastRun, mend }: Difference,
  verbose: boolean,
  out: Out,
): string[] {
  const at = nodes.length === 0 ? "" : ` on ${nodes.join(", ")}`;
  const count = segments.length > 1 ? `${plural(segments.length, "segment")}, ` : "";
  const items = itemsText(segments.map(formatSegment), "link", verbose ? Infinity : undefined);
  const where = segments.length === 0 ? "" : `: ${count}${items}`;
  const [first = "nothing: it mends itself", ...others] = mend;
  return [
    ...out(`  ${about}${at}${where}`, 4),
    ...out(`    wanted  ${wanted}`, 12),
    ...out(`    live    ${live}`, 12),
    ...(lastRun === null ? [] : out(`            ${lastRun}`, 12)),
    ...out(`    mend    ${first}`, 12),
    ...others.flatMap((other) => out(`      or    ${other}`, 12)),
  ];
}
