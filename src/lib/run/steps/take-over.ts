import type { EntryStatus } from "../../agent/protocol/node.js";
import { EXIT } from "../../errors.js";
import { subtract, union } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { range } from "../../plan/say.js";
import { covers, entriesOn, partsWithin, together, waitFor } from "../ask.js";
import { type RunContext } from "../context.js";
import { StepFailure, failure } from "../failure.js";
import type { JsonObject } from "../journal/records.js";
import { operate, settle } from "../operation.js";
import { pausesOf } from "../pauses.js";

/** Segments of one operation: the routes are published after each, so that few clients are redirected for long. */
const AT_ONCE = 64;

export interface Handover {
  readonly step: string;
  readonly keyspace: string;
  readonly segments: readonly Segment[];
  /** The writer before, and the node that takes over. */
  readonly from: string;
  readonly to: string;
  readonly budgetMs: number;
  readonly undo: boolean;
}

/**
 * Moves the writes of segments from one node to another, one after the other; those whose generations differ in operations of
 * their own. Does nothing for parts that `to` already has. `onTaken` is told, at least once, the parts of which `to` is then the
 * primary.
 */
export async function takeOver(
  context: RunContext,
  handover: Handover,
  onTaken: (parts: ReturnType<typeof partsWithin>, hasFailed: boolean) => Promise<void>,
): Promise<void> {
  const { step, keyspace, segments, from, to, budgetMs, undo } = handover;
  const options = {
    undo,
    what: `take over the writes of ${range(handover)} from ${from}`,
    atStop: "wait",
  } as const;
  await settle(context, step, options);
  const prepare = async () => {
    const next = await nextParts(context, handover);
    if (next === null) return null;
    const { generation } = next;
    const request = {
      kind: "takeover" as const,
      keyspace,
      ...together(next.parts)!,
      generation: generation + 1n,
      budgetMs,
    };
    return {
      node: to,
      request,
      inverse: { ...request, generation: generation + 2n },
      preState: { primary: from, generation: String(generation) },
    };
  };
  const tellTaken = (entries: readonly EntryStatus[], hasFailed: boolean) =>
    onTaken(
      partsWithin(
        entries.filter(({ role }) => role === "primary"),
        segments,
      ),
      hasFailed,
    );
  for (let told = false; ; told = true) {
    let result: JsonObject | null;
    try {
      result = await operate(context, step, options, prepare);
    } catch (error) {
      // Who did not answer is not waited for again.
      if (error instanceof StepFailure && error.failure.code !== "unreachable") {
        // Of several segments some may have gone over: routes that lead elsewhere until a resume would cost a redirect each time.
        await entriesOn(context, step, to, keyspace, segments)
          .then((entries) => tellTaken(entries, true))
          .catch(() => undefined);
      }
      throw error;
    }
    if (result !== null) await tell(context, handover, result);
    else if (told) return;
    await tellTaken(await resolvedEntries(context, handover), false);
    if (result === null) return;
  }
}

/** Journals what was measured; the pause of each segment is an event of its own. */
async function tell(
  context: RunContext,
  { step, from, to }: Handover,
  result: JsonObject,
): Promise<void> {
  const facts = { ...result, from, to };
  await context.journal.append({ type: "evidence", step, about: "takeover", facts });
  for (const pause of pausesOf(result))
    context.emit({ type: "evidence", step, about: "takeover", facts: { ...pause, from, to } });
}

/**
 * Waits until the old writer follows the new one: without that there is no way back.
 * @throws StepFailure `no-way-back`
 */
export async function awaitReverseLink(
  context: RunContext,
  handover: Pick<Handover, "step" | "keyspace" | "segments" | "from" | "to">,
): Promise<readonly EntryStatus[]> {
  const { step, keyspace, segments, from, to } = handover;
  return waitFor(context, "no-way-back", async () => {
    const entries = await entriesOn(context, step, from, keyspace, segments);
    const where = `${from} does not follow ${to} in ${range(handover)}`;
    if (!covers(entries, segments)) return `${where}: it does not hold all of it`;
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
  { step, keyspace, segments, to, from }: Handover,
): Promise<EntryStatus[]> {
  return waitFor(context, "takeover-unresolved", async () => {
    const entries = await entriesOn(context, step, to, keyspace, segments);
    const claiming = entries.find(({ role }) => role === "claiming");
    return claiming === undefined
      ? entries
      : `${to} does not know yet whether it took over ${keyspace} [${claiming.lo}, ${claiming.hi}): it asks ${from}`;
  });
}

/** The first parts that the node does not have yet and the old writer has at one generation. Null when the node has all. */
async function nextParts(
  context: RunContext,
  handover: Handover,
): Promise<{ readonly parts: readonly Segment[]; readonly generation: bigint } | null> {
  const { step, keyspace, segments, from } = handover;
  const held = await resolvedEntries(context, handover);
  const missing = subtract(
    segments,
    held.filter(({ role }) => role === "primary"),
  );
  if (missing.length === 0) return null;
  const entries = await entriesOn(context, step, from, keyspace, missing);
  const written = entries.filter(({ role }) => role === "primary");
  const [other] = subtract(missing, written);
  if (other !== undefined) throw notTheWriter(handover, other, entries);
  const parts = partsWithin(written, missing);
  const { generation } = parts[0]!.entry;
  const alike = parts.filter(({ entry }) => entry.generation === generation);
  // Neighbours go together.
  return { parts: union(alike.map(({ part }) => part)).slice(0, AT_ONCE), generation };
}

function notTheWriter(
  { keyspace, from }: Handover,
  part: Segment,
  entries: readonly EntryStatus[],
): StepFailure {
  const held = partsWithin(entries, [part])
    .map(({ entry: { lo, hi, role } }) => `${role} of [${lo}, ${hi})`)
    .join(", ");
  const message = `${from} is not the writer of ${keyspace} [${part.lo}, ${part.hi}): it is ${held || "without a copy"}`;
  return new StepFailure(
    failure("not-the-writer", message, { hint: "ops agent status shows who is" }),
    EXIT.partial,
  );
}
