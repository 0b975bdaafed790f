import type { NodeStatus } from "../../agent/protocol/node.js";
import { bytesText, durationText } from "../../figures.js";
import { COPY_BYTES_PER_SECOND } from "../../plan/waves/copies.js";
import type { ShardPlan } from "../../plan/types.js";

/** A store takes so much more room than the keys and values in it. */
const STORE_FACTOR = 1.3;
/** While a page of a snapshot is read no page of the store is used again: for so many seconds, so many bytes a write. */
const PIN_SECONDS = 2;
const BYTES_A_WRITE = 2 * 4_096;
/** Below it an agent that copies may be ended by the system, bytes. */
const MEMORY_TO_COPY = 64 * 2 ** 20;
/** The copy's time and the writes meanwhile are guesses: wrong by this much, a refusal would still be right. */
const DOUBT = 2;
const HEADROOM = 0.1;

/** What the plan asks of a node. */
export interface Demand {
  /** Bytes copied to it. */
  readonly bytesIn: number;
  /** Bytes of the copy from it that takes longest, and for how many seconds; 0 when nothing is copied from it. */
  readonly bytesOut: number;
  readonly copySeconds: number;
  readonly copiesOut: number;
  /** Writes that it takes now. */
  readonly writesPerSecond: number;
}

export interface Verdict {
  /** Why the plan cannot be carried out, each with what to do. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  /** Bytes. */
  readonly facts: Readonly<Record<"diskNeededBytes" | "logNeededBytes", number>>;
}

export function demandOn(plan: ShardPlan, node: string, writesPerSecond: number): Demand {
  const links = plan.stages
    .flatMap(({ waves }) => waves.flat())
    .filter((step) => step.kind === "link");
  const out = links
    .filter(({ source }) => source === node)
    .map(({ bytes, bytesPerSecond }) => ({
      bytes: Number(bytes),
      seconds: Number(bytes) / Math.min(bytesPerSecond ?? Infinity, COPY_BYTES_PER_SECOND),
    }))
    .toSorted((a, b) => b.seconds - a.seconds);
  return {
    bytesIn: links
      .filter((step) => step.node === node)
      .reduce((sum, { bytes }) => sum + Number(bytes), 0),
    bytesOut: out[0]?.bytes ?? 0,
    copySeconds: out[0]?.seconds ?? 0,
    copiesOut: out.length,
    writesPerSecond,
  };
}

/** Whether the node has the disk, the memory and the change log that the plan takes. */
export function judgeRoom(
  node: string,
  { store, log }: Pick<NodeStatus, "store" | "log">,
  demand: Demand,
): Verdict {
  const { bytesIn, bytesOut, copySeconds, copiesOut, writesPerSecond } = demand;
  const problems: string[] = [];
  const notes: string[] = [];

  const records = Number(log.last - log.first) + 1;
  const recordBytes = records > 0 ? log.bytes / records : 0;
  const logNeeded = Math.ceil(writesPerSecond * copySeconds * recordBytes);
  const kept = `${node} keeps at most ${bytesText(log.maxBytes)} of its change log, and about ${bytesText(logNeeded)} are written to it while ${bytesText(bytesOut)} are copied from it (${durationText(copySeconds * 1000)} at ${Math.round(writesPerSecond)} writes/s)`;
  if (logNeeded > log.maxBytes * DOUBT) {
    problems.push(
      `${kept}: the copy would begin anew again and again; raise log.maxBytes in its configuration or policy.bandwidth.perLink, or copy when less is written`,
    );
  } else if (logNeeded > log.maxBytes / DOUBT) {
    notes.push(`${kept}: if the log is cut, the copy begins anew`);
  }

  const pages = copiesOut > 0 ? writesPerSecond * PIN_SECONDS * BYTES_A_WRITE : 0;
  const logGrowth = Math.max(0, Math.min(log.bytes + logNeeded, log.maxBytes) - log.bytes);
  const needed = Math.ceil(bytesIn * STORE_FACTOR + logGrowth + pages);
  const free = store.diskFreeBytes;
  if (needed > free) {
    problems.push(
      `${node} has ${bytesText(free)} free on its disk and needs ${bytesText(needed)}: ${bytesText(bytesIn * STORE_FACTOR)} for its copies, ${bytesText(logGrowth)} for the change log, ${bytesText(pages)} for pages that snapshots keep; free some space there, or plan with another node`,
    );
  } else if (bytesIn > 0 && free - needed < (store.bytes + needed) * HEADROOM) {
    notes.push(
      `${node} will have ${bytesText(free - needed)} free on its disk: less than a tenth of what it then holds`,
    );
  }

  if (bytesIn > 0 && store.memoryFreeBytes < MEMORY_TO_COPY) {
    problems.push(
      `${node} has ${bytesText(store.memoryFreeBytes)} of memory free and needs ${bytesText(MEMORY_TO_COPY)} to copy at all; free some there, or plan with another node`,
    );
  } else if (bytesIn > store.memoryFreeBytes) {
    notes.push(
      `${node} gets ${bytesText(bytesIn)} and has ${bytesText(store.memoryFreeBytes)} of memory free: reads may go to its disk`,
    );
  }
  return { problems, notes, facts: { diskNeededBytes: needed, logNeededBytes: logNeeded } };
}
