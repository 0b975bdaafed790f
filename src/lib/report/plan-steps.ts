import type { Segment } from "../keyspace/segment.js";
import type { Stage, Step } from "../plan/types.js";
import { bytesText, secondsText } from "../figures.js";
import { plural, segmentsText } from "./plan-figures.js";

/** Steps that differ in their segments only, in one wave or in waves that follow each other. */
interface Group {
  /** `bytes` is null where nobody measured. */
  readonly text: (segments: string, bytes: string | null) => string;
  readonly segments: readonly Segment[];
  readonly bytes: bigint;
}

interface WaveText {
  readonly first: number;
  readonly last: number;
  readonly groups: ReadonlyMap<string, Group>;
}

/** What a stage does: a heading for each wave (or row of like waves), and a line for each group of like steps. */
export function waveLines(
  stage: Stage,
): { readonly heading: string; readonly lines: readonly string[] }[] {
  const rows: WaveText[] = [];
  for (const [i, wave] of stage.waves.entries()) {
    const groups = groupsOf(wave);
    const last = rows.at(-1);
    if (last && sameKeys(last.groups, groups)) rows[rows.length - 1] = joined(last, groups, i + 1);
    else rows.push({ first: i + 1, last: i + 1, groups });
  }
  const measured = stage.estimate.basis === "measured";
  return rows.map(({ first, last, groups }) => ({
    heading: first === last ? `wave ${first}` : `waves ${first}-${last}, one after the other`,
    lines: [...groups.values()].map(({ text, segments, bytes }) =>
      text(segmentsText(segments), measured ? bytesText(bytes) : null),
    ),
  }));
}

function groupsOf(wave: readonly Step[]): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  const checks = wave.filter((step) => step.kind === "preflight");
  if (checks.length > 0) {
    const bytes = checks.reduce((sum, step) => sum + step.bytesIn, 0n);
    const nodes = checks.map((step) => step.node).join(", ");
    groups.set("preflight", {
      text: (_, copied) =>
        `check ${plural(checks.length, "node")}${copied === null ? "" : ` (room for ${copied} in all)`}: ${nodes}`,
      segments: [],
      bytes,
    });
  }
  for (const step of wave) {
    if (step.kind === "preflight") continue;
    const text = textOf(step);
    const key = text("", null);
    const known = groups.get(key);
    const segments = "segment" in step ? [step.segment] : [];
    const bytes = step.kind === "link" ? step.bytes : 0n;
    groups.set(key, {
      text,
      segments: [...(known?.segments ?? []), ...segments],
      bytes: (known?.bytes ?? 0n) + bytes,
    });
  }
  return groups;
}

function textOf(step: Exclude<Step, { kind: "preflight" }>): Group["text"] {
  switch (step.kind) {
    case "init":
      return (segments) =>
        `${step.node} becomes primary of ${step.keyspace} ${step.shard} ${segments}`;
    case "link": {
      const limit =
        step.bytesPerSecond === null
          ? "no limit"
          : `at most ${bytesText(step.bytesPerSecond)}/s a link`;
      return (segments, bytes) =>
        `copy ${step.keyspace} ${step.source} -> ${step.node} (${bytes === null ? "" : `${bytes}, `}${limit}) ${segments}`;
    }
    case "sync":
      return (segments) =>
        `wait until ${step.node} lags less than ${step.maxLagMs} ms in ${step.keyspace} ${segments}`;
    case "verify":
      return (segments) => `compare ${step.node} with its source in ${step.keyspace} ${segments}`;
    case "repoint":
      return (segments) => `${step.node} follows ${step.source} in ${step.keyspace} ${segments}`;
    case "readers": {
      const weights = step.after.map(({ node, weight }) => `${node} ${weight}`).join(", ");
      return (segments) => `reads of ${step.keyspace} ${segments} by weight: ${weights}`;
    }
    case "gate":
      return () =>
        `watch ${step.node} against ${step.source} in ${step.keyspace} for ${secondsText(step.gates.windowSeconds)}`;
    case "takeover": {
      const shards =
        step.shard === step.shardBefore ? step.shard : `${step.shardBefore} -> ${step.shard}`;
      return (segments) =>
        `writes of ${step.keyspace} ${step.from} -> ${step.node} (${shards}), paused ${step.budgetMs} ms at most, ${segments}`;
    }
    case "soak":
      return () => `watch for ${secondsText(step.seconds)}`;
    case "drop":
      return (segments) => `${step.node} deletes its copy of ${step.keyspace} ${segments}`;
  }
}

function sameKeys(a: ReadonlyMap<string, Group>, b: ReadonlyMap<string, Group>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}

function joined(row: WaveText, groups: ReadonlyMap<string, Group>, last: number): WaveText {
  const both = [...row.groups].map(([key, group]): [string, Group] => {
    const more = groups.get(key)!;
    return [
      key,
      {
        ...group,
        segments: [...group.segments, ...more.segments],
        bytes: group.bytes + more.bytes,
      },
    ];
  });
  return { first: row.first, last, groups: new Map(both) };
}
