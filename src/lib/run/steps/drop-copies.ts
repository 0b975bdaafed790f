import type { EntryStatus } from "../../agent/protocol/node.js";
import { EXIT } from "../../errors.js";
import { contains, overlapOf } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { range } from "../../plan/say.js";
import { entriesOn, waitFor } from "../ask.js";
import type { RunContext } from "../context.js";
import { StepFailure, failure } from "../failure.js";
import { operate, settle } from "../operation.js";

/** Deletes what a node holds of a segment, entry by entry, each named by the link and generation that it has now. */
export async function dropCopies(
  context: RunContext,
  step: {
    readonly id: string;
    readonly keyspace: string;
    readonly segment: Segment;
    readonly node: string;
  },
  undo: boolean,
): Promise<void> {
  const { id, keyspace, segment, node } = step;
  const options = { undo, what: `drop its copy of ${range(step)}`, leavable: true };
  await settle(context, id, options);
  const prepare = async () => {
    const entries = await settledEntries(context, step);
    for (const entry of entries) refuseUnlessCopy(entry, step, undo);
    const [first] = entries;
    if (first === undefined) return null;
    const { generation, link } = first;
    const { lo, hi } = overlapOf(first, segment)!;
    return {
      node,
      request: { kind: "drop" as const, keyspace, lo, hi, link: link?.id ?? null, generation },
      inverse: null,
      preState: entries.map((entry) => ({
        lo: String(entry.lo),
        hi: String(entry.hi),
        generation: String(entry.generation),
      })),
    };
  };
  while ((await operate(context, id, options, prepare)) !== null);
}

/** The node's entries in the segment once no takeover of them is under way. */
function settledEntries(
  context: RunContext,
  {
    id,
    node,
    keyspace,
    segment,
  }: {
    readonly id: string;
    readonly node: string;
    readonly keyspace: string;
    readonly segment: Segment;
  },
): Promise<EntryStatus[]> {
  return waitFor(context, "takeover-unresolved", async () => {
    const entries = await entriesOn(context, id, node, keyspace, segment);
    return entries.some(({ role }) => role === "claiming")
      ? `${node}: a takeover in ${keyspace} [${segment.lo}, ${segment.hi}) has not been resolved`
      : entries;
  });
}

function refuseUnlessCopy(
  entry: EntryStatus,
  step: { readonly keyspace: string; readonly segment: Segment; readonly node: string },
  undo: boolean,
): void {
  const held = `${step.node} holds ${step.keyspace} [${entry.lo}, ${entry.hi})`;
  if (entry.role === "primary") {
    throw new StepFailure(
      failure("not-droppable", `${held} as the primary: it is not dropped`),
      EXIT.partial,
    );
  }
  if (undo && !contains(step.segment, entry)) {
    throw new StepFailure(
      failure("not-droppable", `${held}, more than ${range(step)}: it is not this run's copy`),
      EXIT.partial,
    );
  }
}
