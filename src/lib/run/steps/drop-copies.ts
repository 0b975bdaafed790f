import type { EntryStatus } from "../../agent/protocol/node.js";
import { EXIT } from "../../errors.js";
import { subtract } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { range } from "../../plan/say.js";
import { entriesOn, partsWithin, together, waitFor } from "../ask.js";
import type { RunContext } from "../context.js";
import { StepFailure, failure } from "../failure.js";
import { operate, settle } from "../operation.js";

/** What a node is to delete. */
interface Held {
  readonly id: string;
  readonly keyspace: string;
  readonly segments: readonly Segment[];
  readonly node: string;
}

/** Deletes what a node holds of segments, each part named by the link and generation that it has now. */
export async function dropCopies(context: RunContext, step: Held, undo: boolean): Promise<void> {
  const { id, keyspace, node } = step;
  const options = { undo, what: `drop its copy of ${range(step)}`, atStop: "leave" } as const;
  await settle(context, id, options);
  const prepare = async () => {
    const entries = await settledEntries(context, step);
    for (const entry of entries) refuseUnlessCopy(entry, step, undo);
    const named = together(
      partsWithin(entries, step.segments).map(({ part, entry: { generation, link } }) => ({
        ...part,
        link: link?.id ?? null,
        generation,
      })),
    );
    if (named === null) return null;
    return {
      node,
      request: { kind: "drop" as const, keyspace, ...named },
      inverse: null,
      preState: statesOf(entries),
    };
  };
  while ((await operate(context, id, options, prepare)) !== null);
}

/** Deletes what a node holds of segments that nobody is to hold any more, as their primary too. */
export async function discardAll(context: RunContext, step: Held): Promise<void> {
  const { id, keyspace, node } = step;
  const options = {
    undo: false,
    what: `delete what it holds of ${range(step)}`,
    atStop: "leave",
  } as const;
  await settle(context, id, options);
  const prepare = async () => {
    const entries = await settledEntries(context, step);
    const parts = partsWithin(entries, step.segments);
    const named = together(
      parts.map(({ part, entry: { generation } }) => ({ ...part, generation })),
    );
    if (named === null) return null;
    return {
      node,
      request: { kind: "discard" as const, keyspace, ...named },
      inverse: null,
      preState: statesOf(entries),
    };
  };
  while ((await operate(context, id, options, prepare)) !== null);
}

function statesOf(entries: readonly EntryStatus[]) {
  return entries.map(({ lo, hi, generation }) => ({
    lo: String(lo),
    hi: String(hi),
    generation: String(generation),
  }));
}

/** The node's entries in the segments once no takeover of them is under way. */
function settledEntries(
  context: RunContext,
  { id, node, keyspace, segments }: Held,
): Promise<EntryStatus[]> {
  return waitFor(context, "takeover-unresolved", async () => {
    const entries = await entriesOn(context, id, node, keyspace, segments);
    const claiming = entries.find(({ role }) => role === "claiming");
    return claiming === undefined
      ? entries
      : `${node}: a takeover in ${keyspace} [${claiming.lo}, ${claiming.hi}) has not been resolved`;
  });
}

/** What a run made, and has to take back, is no more than it asked for. */
function refuseUnlessCopy(entry: EntryStatus, step: Held, undo: boolean): void {
  if (entry.role === "primary") {
    throw new StepFailure(
      failure("not-droppable", `${heldText(entry, step)} as the primary: it is not dropped`),
      EXIT.partial,
    );
  }
  if (!undo || subtract([entry], step.segments).length === 0) return;
  throw new StepFailure(
    failure(
      "not-droppable",
      `${heldText(entry, step)}, more than ${range(step)}: it is not this run's copy`,
    ),
    EXIT.partial,
  );
}

function heldText({ lo, hi }: EntryStatus, { node, keyspace }: Held): string {
  return `${node} holds ${keyspace} [${lo}, ${hi})`;
}
