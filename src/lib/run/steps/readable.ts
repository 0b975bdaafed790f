import { subtract } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { formatSegment } from "../../keyspace/wire.js";
import { entriesOn } from "../ask.js";
import type { RunContext } from "../context.js";

/** `holds no readable copy of profile [0, 100)`, of what the node lacks of a segment; null when it can be read in all of it. */
export async function whyUnreadable(
  context: RunContext,
  step: string | null,
  { node, keyspace, segment }: { node: string; keyspace: string; segment: Segment },
): Promise<string | null> {
  const entries = await entriesOn(context, step, node, keyspace, segment);
  const missing = subtract(
    [segment],
    entries.filter(({ readable }) => readable),
  );
  if (missing.length === 0) return null;
  return `holds no readable copy of ${keyspace} ${missing.map(formatSegment).join(", ")}`;
}
