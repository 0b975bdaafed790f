import { subtract } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { range } from "../../plan/say.js";
import { entriesOn } from "../ask.js";
import type { RunContext } from "../context.js";

/** `holds no readable copy of profile [0, 100)`, of what the node lacks of segments; null when it can be read in all of them. */
export async function whyUnreadable(
  context: RunContext,
  step: string | null,
  { node, keyspace, segments }: { node: string; keyspace: string; segments: readonly Segment[] },
): Promise<string | null> {
  const entries = await entriesOn(context, step, node, keyspace, segments);
  const missing = subtract(
    segments,
    entries.filter(({ readable }) => readable),
  );
  if (missing.length === 0) return null;
  return `holds no readable copy of ${range({ keyspace, segments: missing })}`;
}
