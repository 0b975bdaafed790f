import type { EntryStatus } from "../../agent/protocol/node.js";
import { EXIT } from "../../errors.js";
import { overlapOf } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { covers, entriesOn, waitFor } from "../ask.js";
import { type RunContext } from "../context.js";
import { StepFailure, failure } from "../failure.js";
import { operate, settle } from "../operation.js";

export interface Handover {
  readonly step: string;
  readonly keyspace: string;
  readonly segment: Segment;
  /** The writer before, and the node that takes over. */
  readonly from: string;
  readonly to: string;
  readonly budgetMs: number;
  readonly undo: boolean;
}

/**
 * Moves the writes of a segment from one node to another, part by part where the generations of its parts differ. Does nothing
 * for parts that `to` already has. Returns the entries with which `to` is then the primary.
 */
export async function takeOver(context: RunContext, handover: Handover): Promise<EntryStatus[]> {
  const { step, keyspace, segment, from, to, budgetMs, undo } = handover;
  const where = `${keyspace} [${segment.lo}, ${segment.hi})`;
  const options = { undo, what: `take over the writes of ${where} from ${from}`, leavable: false };
  await settle(context, step, options);
  const prepare = async () => {
    const missing = firstPart(segment, await resolvedEntries(context, handover));
    if (missing === null) return null;
    const { part, generation } = await writtenPart(context, handover, missing);
    return {
      node: to,
      request: {
        kind: "takeover" as const,
        keyspace,
        ...part,
        generation: generation + 1n,
        budgetMs,
      },
      inverse: {
        kind: "takeover" as const,
        keyspace,
        ...part,
        generation: generation + 2n,
        budgetMs,
      },
      preState: { primary: from, generation: String(generation) },
    };
  };
  for (;;) {
    const result = await operate(context, step, options, prepare);
    if (result === null) break;
    await context.journal.append({
      type: "evidence",
      step,
      about: "takeover",
      facts: { ...result, from, to },
    });
    context.emit({ type: "evidence", step, about: "takeover", facts: { ...result, from, to } });
  }
  return (await resolvedEntries(context, handover)).filter(({ role }) => role === "primary");
}

/**
 * Waits until the old writer follows the new one: without that there is no way back.
 * @throws StepFailure `no-way-back`
 */
export async function awaitReverseLink(
  context: RunContext,
  {
    step,
    keyspace,
    segment,
    from,
    to,
  }: Pick<Handover, "step" | "keyspace" | "segment" | "from" | "to">,
): Promise<readonly EntryStatus[]> {
  return waitFor(context, "no-way-back", async () => {
    const entries = await entriesOn(context, step, from, keyspace, segment);
    const where = `${from} does not follow ${to} in ${keyspace} [${segment.lo}, ${segment.hi})`;
    if (!covers(entries, segment)) return `${where}: it does not hold all of it`;
    const broken = entries.find(
      (entry) =>
        entry.role !== "follower" || entry.source?.node !== to || entry.link?.phase !== "streaming",
    );
    if (broken === undefined) return entries;
    if (broken.role !== "follower")
      return `${where}: it is ${broken.role} of [${broken.lo}, ${broken.hi})`;
    if (broken.source?.node !== to)
      return `${where}: it follows ${broken.source?.node ?? "nobody"}`;
    return `${where}: its link is ${broken.link?.phase ?? "missing"}${broken.link?.error ? ` (${broken.link.error})` : ""}`;
  });
}

/** Entries of the node that takes over, once no takeover of them is under way. */
function resolvedEntries(
  context: RunContext,
  { step, keyspace, segment, to, from }: Handover,
): Promise<EntryStatus[]> {
  return waitFor(context, "takeover-unresolved", async () => {
    const entries = await entriesOn(context, step, to, keyspace, segment);
    const claiming = entries.find(({ role }) => role === "claiming");
    return claiming === undefined
      ? entries
      : `${to} does not know yet whether it took over ${keyspace} [${claiming.lo}, ${claiming.hi}): it asks ${from}`;
  });
}

/** The first part, of one entry, that the node does not have yet. Null when it has all. */
function firstPart(segment: Segment, entries: readonly EntryStatus[]): Segment | null {
  let at = segment.lo;
  for (const entry of entries) {
    const part = overlapOf(entry, segment)!;
    if (part.lo > at) break;
    if (entry.role !== "primary") return widened(part, entry, entries, segment);
    at = part.hi;
  }
  return at < segment.hi ? { lo: at, hi: segment.hi } : null;
}

/** Neighbours of the same generation go together: one takeover, one pause. */
function widened(
  part: Segment,
  first: EntryStatus,
  entries: readonly EntryStatus[],
  segment: Segment,
): Segment {
  let { hi } = part;
  for (const entry of entries) {
    if (entry.lo !== hi || entry.role === "primary" || entry.generation !== first.generation)
      continue;
    hi = overlapOf(entry, segment)!.hi;
  }
  return { lo: part.lo, hi };
}

/** As much of the part as the old writer has at one generation, from its beginning. */
async function writtenPart(
  context: RunContext,
  { step, keyspace, from }: Handover,
  part: Segment,
): Promise<{ readonly part: Segment; readonly generation: bigint }> {
  const entries = await entriesOn(context, step, from, keyspace, part);
  const [first] = entries;
  if (first !== undefined && first.lo <= part.lo && first.role === "primary") {
    let { hi } = first;
    for (const entry of entries) {
      if (entry.lo === hi && entry.role === "primary" && entry.generation === first.generation)
        hi = entry.hi;
    }
    return { part: { lo: part.lo, hi: hi < part.hi ? hi : part.hi }, generation: first.generation };
  }
  const held = entries.map(({ lo, hi, role }) => `${role} of [${lo}, ${hi})`).join(", ");
  const message = `${from} is not the writer of ${keyspace} [${part.lo}, ${part.hi}): it is ${held || "without a copy"}`;
  throw new StepFailure(
    failure("not-the-writer", message, { hint: "ops agent status shows who is" }),
    EXIT.partial,
  );
}
