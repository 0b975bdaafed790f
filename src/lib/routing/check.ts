import { gaps, overlaps } from "../keyspace/map.js";
import { formatSegment } from "../keyspace/wire.js";
import type { RouteTable } from "./table.js";

/**
 * What is wrong with a table, one line each; empty when it may be served: it covers its domain exactly, is sorted, names
 * known nodes only, and gives no reader twice.
 */
export function checkTable(table: RouteTable): string[] {
  const problems: string[] = [];
  const { domain, segments } = table;
  for (const segment of segments) {
    const where = formatSegment(segment);
    if (segment.lo >= segment.hi) problems.push(`segment ${where} is empty`);
    if (segment.lo < domain.lo || segment.hi > domain.hi) {
      problems.push(`segment ${where} leaves the domain ${formatSegment(domain)}`);
    }
    if (!Object.hasOwn(table.nodes, segment.writer)) {
      problems.push(`segment ${where}: writer ${segment.writer} is not a node of the table`);
    }
    const seen = new Set<string>();
    for (const { node, weight } of segment.readers) {
      if (!Object.hasOwn(table.nodes, node))
        problems.push(`segment ${where}: reader ${node} is not a node of the table`);
      if (seen.has(node)) problems.push(`segment ${where}: reader ${node} is given twice`);
      seen.add(node);
      if (!(weight >= 0 && weight <= 100))
        problems.push(`segment ${where}: weight ${weight} of ${node} is not in 0..100`);
    }
  }
  if (segments.some((segment, i) => i > 0 && segments[i - 1]!.lo > segment.lo)) {
    problems.push("the segments are not sorted");
  }
  for (const gap of gaps(segments, domain)) problems.push(`nobody owns ${formatSegment(gap)}`);
  for (const twice of overlaps(segments))
    problems.push(`${formatSegment(twice)} is owned more than once`);
  return problems;
}
