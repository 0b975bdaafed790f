import { durationText, groupedText } from "../figures.js";
import type { Segment } from "../keyspace/segment.js";
import { formatSegment } from "../keyspace/wire.js";
import type { Said } from "./said.js";
import { type Step, isUserStep } from "./any.js";
import { sayUserStep, sayUserUndo } from "./users/say.js";
import type { ReadersStep, SettingsStep, ShardStep } from "./types.js";

/** What doing a step does. */
export function sayStep(step: Step): Said {
  if (isUserStep(step)) return sayUserStep(step);
  const { items, keyspace, whole, part } = subjectOf(step);
  const bytes = step.kind === "link" ? step.bytes : step.kind === "preflight" ? step.bytesIn : 0n;
  return { what: textOf(step, part), like: textOf(step, whole), items, keyspace, bytes };
}

/** What taking a step back does; null when nothing has to be done. */
export function sayUndo(step: Step): Said | null {
  if (isUserStep(step)) return sayUserUndo(step);
  const { items, keyspace, whole, part } = subjectOf(step);
  const what = undoText(step, part);
  const like = undoText(step, whole);
  return what === null || like === null ? null : { what, like, items, keyspace, bytes: 0n };
}

/** How many things steps are about: those that have none count as one. */
export function countItems(steps: readonly Pick<Said, "items">[]): number {
  return steps.reduce((sum, { items }) => sum + Math.max(1, items.length), 0);
}

/** `profile [0, 100)`, `profile [0, 100) and 3 more` */
export function range({
  keyspace,
  segments: [first, ...others],
}: {
  readonly keyspace: string;
  readonly segments: readonly Segment[];
}): string {
  const where = first === undefined ? keyspace : `${keyspace} ${formatSegment(first)}`;
  return others.length === 0 ? where : `${where} and ${groupedText(others.length)} more`;
}

/** What a step is about: the part that is its own, and the whole that it has in common with others. */
function subjectOf(step: ShardStep) {
  if (step.kind === "preflight")
    return { items: [step.node], keyspace: null, whole: "nodes", part: step.node };
  if (step.kind === "adopt")
    return { items: [step.node], keyspace: null, whole: "nodes", part: step.node };
  if (step.kind === "soak") return { items: [], keyspace: null, whole: "", part: "" };
  const { keyspace } = step;
  if (step.kind === "domain" || step.kind === "settings")
    return { items: [], keyspace, whole: keyspace, part: keyspace };
  if (step.kind === "gate") {
    const part = `${keyspace} on ${step.node} against ${step.source}`;
    return { items: [part], keyspace, whole: "new copies", part };
  }
  return {
    items: step.segments.map(formatSegment),
    keyspace,
    whole: keyspace,
    part: range(step),
  };
}

function textOf(step: ShardStep, where: string): string {
  switch (step.kind) {
    case "preflight":
      return `check ${where} for identity, room, log and ways to the others`;
    case "adopt":
      return `take over ${where} from the control plane ${step.from}`;
    case "init":
      return `make ${step.node} the first primary of ${where}, shard ${step.shard}`;
    case "link":
      return `link ${where} on ${step.node} from ${step.source}`;
    case "sync":
      return `wait until ${step.node} has ${where} and lags less than ${durationText(step.maxLagMs)}`;
    case "verify":
      return `compare ${where} on ${step.node} with ${step.source ?? "its source"}${step.unlessProven ? ", unless that was done since the copy was made" : ""}`;
    case "repoint":
      return `let ${step.node} follow ${step.source} in ${where}`;
    case "domain":
      return step.anew
        ? `publish routes of ${where} to its holders, all whole copies read`
        : domainText(where, step.before, step.after);
    case "settings":
      return `publish ${settingsText(step.before, step.after)} for ${where}`;
    case "relabel":
      return `publish ${where} as a part of shard ${step.shard}, not of ${step.shardBefore}`;
    case "readers":
      return `publish readers of ${where}: ${weights(step.after)}`;
    case "gate":
      return `watch the reads of ${where} for ${durationText(step.gates.windowSeconds * 1000)}`;
    case "takeover": {
      const shards =
        step.shard === step.shardBefore ? "" : ` (${step.shardBefore} -> ${step.shard})`;
      return `take over the writes of ${where}: ${step.from} -> ${step.node}${shards}, pause at most ${durationText(step.budgetMs)}`;
    }
    case "soak":
      return `see that every agent has the routes and every link is whole, then soak for ${durationText(step.seconds * 1000)}`;
    case "drop":
      return `drop the old copy of ${where} on ${step.node}`;
    case "discard":
      return `delete what ${step.node} holds of ${where}`;
  }
}

function undoText(step: ShardStep, where: string): string | null {
  switch (step.kind) {
    case "init":
      return `retract ${where} on ${step.node} (refused once it took a write)`;
    case "link":
      return `drop the copy of ${where} on ${step.node}`;
    case "repoint":
      return `let ${step.node} follow in ${where} what it followed before`;
    case "domain":
      // They lead to the holders, who are the same as before.
      return step.anew && step.before !== null ? null : domainText(where, step.after, step.before);
    case "settings":
      return `publish ${settingsText(step.after, step.before)} for ${where}`;
    case "relabel":
      return `publish ${where} as a part of shard ${step.shardBefore} again`;
    case "readers":
      return `publish readers of ${where}: ${weights(step.before)}`;
    case "takeover":
      return `take back the writes of ${where}: ${step.node} -> ${step.from}`;
    case "preflight":
    case "adopt":
    case "sync":
    case "verify":
    case "gate":
    case "soak":
    case "drop":
    case "discard":
      return null;
  }
}

function domainText(keyspace: string, before: Segment | null, after: Segment | null): string {
  if (after === null) return `withdraw the routes of ${keyspace}`;
  const was = before === null ? "" : `, before ${formatSegment(before)}`;
  return `publish routes of ${keyspace} for ${formatSegment(after)}${was}`;
}

/** `ack follower (was local), sync window 1s (was 0ms)`: what differs. */
export function settingsText(before: SettingsStep["before"], after: SettingsStep["after"]): string {
  const window = (ms: number) => (ms === 0 ? "none" : durationText(ms));
  return [
    ...(before.ack === after.ack ? [] : [`ack ${after.ack} (was ${before.ack})`]),
    ...(before.syncWindowMs === after.syncWindowMs
      ? []
      : [`sync window ${window(after.syncWindowMs)} (was ${window(before.syncWindowMs)})`]),
  ].join(", ");
}

function weights(nodes: ReadersStep["after"]): string {
  const read = nodes.filter(({ weight }) => weight > 0);
  return read.length === 0
    ? "only the writer"
    : read.map(({ node, weight }) => `${node} ${weight}`).join(", ");
}
