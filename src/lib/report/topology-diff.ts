import type { FieldChange } from "../topology/diff-fields.js";
import type { TopologyChange } from "../topology/diff.js";
import type { Topology } from "../topology/types.js";
import { fieldName, fieldText } from "./topology-fields.js";
import { percentOf, shareText } from "./topology-share.js";
import { formatSegment } from "../topology/units.js";

/** Longest list of moved segments that is shown one by one; a ring of many pieces is summed up instead. */
const MAX_SEGMENTS = 40;

/** The differences as text, one a line, under the name of what they are in. */
export function renderTopologyDiff(changes: readonly TopologyChange[], after: Topology): string {
  if (changes.length === 0) return "no differences";
  const groups = new Map<string, string[]>();
  const moves = new Map<string, Move[]>();
  for (const change of changes) {
    if (change.kind === "segment-moved") {
      moves.set(change.keyspace, [...(moves.get(change.keyspace) ?? []), change]);
      continue;
    }
    const group = groupOf(change);
    groups.set(group, [...(groups.get(group) ?? []), ...linesOf(change)]);
  }
  for (const [keyspace, moved] of moves) {
    groups.set(keyspace, [...(groups.get(keyspace) ?? []), ...moveLines(moved, keyspace, after)]);
  }
  return [...groups]
    .map(([group, lines]) => [group, ...lines.map((line) => `  ${line}`)].join("\n"))
    .join("\n\n");
}

type Move = Extract<TopologyChange, { readonly kind: "segment-moved" }>;

function groupOf(change: Exclude<TopologyChange, Move>): string {
  if (change.kind === "name") return "topology";
  if ("keyspace" in change) return change.keyspace;
  if (change.what === "policy" || change.what === "demand") return change.what;
  return change.what === "keyspace" ? change.id : `${change.what}s`;
}

function linesOf(change: Exclude<TopologyChange, Move>): string[] {
  switch (change.kind) {
    case "name":
      return [`~ name: ${change.before} -> ${change.after}`];
    case "added":
    case "removed": {
      const sign = change.kind === "added" ? "+" : "-";
      const name = change.what === "keyspace" ? `keyspace ${change.id}` : change.id;
      return [`${sign} ${name}  ${change.detail}`.trimEnd()];
    }
    case "changed":
      return change.fields.map((field) => {
        const whole = ["policy", "demand", "keyspace"].includes(change.what);
        return `~ ${whole ? "" : `${change.id}  `}${fieldLine(field)}`;
      });
    case "shard-added":
    case "shard-removed": {
      const sign = change.kind === "shard-added" ? "+" : "-";
      const copies = change.replicas.length > 0 ? `, replicas ${change.replicas.join(", ")}` : "";
      return [`${sign} shard ${change.shard}  primary ${change.primary}${copies}`];
    }
    case "primary-changed":
      return [`~ shard ${change.shard}  primary ${change.before} -> ${change.after}`];
    case "share-changed":
      return [`~ shard ${change.shard}  ${fieldLine({ ...change, field: "share" })}`];
    case "replica-added":
      return [`+ shard ${change.shard}  replica ${change.node}`];
    case "replica-removed":
      return [`- shard ${change.shard}  replica ${change.node}`];
  }
}

function fieldLine({ field, before, after }: FieldChange): string {
  return `${fieldName(field)}: ${fieldText(field, before)} -> ${fieldText(field, after)}`;
}

/** `500M..1000M  p0 -> p2`; with many pieces one line for each pair of shards. */
function moveLines(moves: readonly Move[], keyspace: string, after: Topology): string[] {
  const spec = after.keyspaces.find(({ id }) => id === keyspace);
  const size = spec ? spec.domain.hi - spec.domain.lo : null;
  const all = moves.reduce((sum, { segment }) => sum + (segment.hi - segment.lo), 0n);
  const total =
    size === null ? [] : [`  ${shareText(percentOf(all, size))} of ${keyspace} changes its shard`];
  if (spec?.sharding === "range" && moves.length <= MAX_SEGMENTS) {
    const texts = moves.map(({ segment }) => formatSegment(segment));
    const width = Math.max(...texts.map((text) => text.length));
    return [
      ...moves.map(
        ({ before, after: now }, i) =>
          `~ ${texts[i]!.padEnd(width)}  ${before ?? "nobody"} -> ${now ?? "nobody"}`,
      ),
      ...total,
    ];
  }
  const sums = new Map<string, { pieces: number; positions: bigint }>();
  for (const { before, after: now, segment } of moves) {
    const pair = `${before ?? "nobody"} -> ${now ?? "nobody"}`;
    const sum = sums.get(pair) ?? { pieces: 0, positions: 0n };
    sums.set(pair, { pieces: sum.pieces + 1, positions: sum.positions + segment.hi - segment.lo });
  }
  return [
    ...[...sums].map(([pair, { pieces, positions }]) => {
      const share = size === null ? "" : `, ${shareText(percentOf(positions, size))}`;
      return `~ ${pair}  ${pieces} ${pieces === 1 ? "segment" : "segments"}${share}`;
    }),
    ...total,
  ];
}
