import { bytesText, countText, durationText, plural } from "../figures.js";
import { formatSegment } from "../keyspace/wire.js";
import type { Basis, Expansion } from "../plan/expand.js";
import type { Figure, Move } from "../plan/expand/solve.js";
import { wrap } from "../wrap.js";
import { itemsText } from "./group.js";
import type { TextOptions } from "./text-options.js";

const SHARDS_SHOWN = 20;
const SOURCES_SHOWN = 4;
/** Accesses counted for less than this are a guess. */
const ENOUGH_SECONDS = 60;

/** How good the choice is against its bounds, what goes where, and what was not known. */
export function expandText(
  keyspace: string,
  expansion: Expansion,
  options: Pick<TextOptions, "width">,
): string {
  const targets = [...new Set(expansion.moves.map(({ to }) => to))];
  const lines = targets.slice(0, SHARDS_SHOWN).map((to) => takesText(expansion, to));
  const rest = targets.length - SHARDS_SHOWN;
  return [
    `${keyspace}: ${ratiosText(expansion)}`,
    ...lines,
    ...(rest > 0 ? [`and ${plural(rest, "new shard")} more: --json has them all`] : []),
    ...remarks(expansion),
  ]
    .flatMap((line) => wrap(line, options.width, 2))
    .join("\n");
}

function ratiosText({ basis, before, load, bytes, segments }: Expansion): string {
  const amount = (value: number): string =>
    basis.kind === "positions" ? `${countText(value)} positions` : bytesText(value);
  const level =
    basis.kind === "positions"
      ? `max load ratio ${ratioText(load)} to its bound`
      : `max load ${shareText(load.value)} of capacity (${shareText(before)} before), ` +
        `bound ${shareText(load.bound)} (ratio ${ratioText(load)})`;
  return (
    `${level}; moved ${amount(bytes.value)}, bound ${amount(bytes.bound)} (${ratioText(bytes)}); ` +
    `segments ${segments.value}, bound ${segments.bound}`
  );
}

/** `p2 takes 71.8 KiB, 33 ops/s: from p0 [66671, 100000), from p1 [100000, 133336)` */
function takesText({ basis, moves }: Expansion, to: string): string {
  const own = moves.filter((move) => move.to === to);
  const total = (resource: 0 | 1): number =>
    own.reduce((all, { demand }) => all + demand[resource], 0);
  const amount =
    basis.kind === "positions"
      ? `${countText(total(0))} positions`
      : basis.kind === "bytes"
        ? bytesText(total(0))
        : `${bytesText(total(0))}, ${countText(total(1))} ops/s`;
  const shown = own.slice(0, SOURCES_SHOWN).map((move) => fromText(move));
  const rest = own.length - shown.length;
  return `${to} takes ${amount}: ${shown.join(", ")}${rest > 0 ? ` and from ${rest} more` : ""}`;
}

function fromText({ from, segments }: Move): string {
  return `from ${from} ${itemsText(segments.map(formatSegment))}`;
}

function remarks({ basis, searched, segments, shared }: Expansion): string[] {
  const out = [basisText(basis)];
  if (searched) out.push("Every choice was looked at: none is better.");
  else if (segments.value > 2 * segments.bound) {
    out.push("Many segments: with a higher --bytes-tolerance there are fewer.");
  }
  for (const node of shared) {
    out.push(`${node} is the primary of several shards: each was weighed against all of it.`);
  }
  return out.filter((line) => line !== "");
}

function basisText(basis: Basis): string {
  switch (basis.kind) {
    case "load":
      return basis.countedSeconds >= ENOUGH_SECONDS
        ? ""
        : `Accesses were counted for ${durationText(basis.countedSeconds * 1_000)} only.`;
    case "bytes":
      return basis.uncounted.length === 0
        ? "No accesses were counted: the load is the bytes alone."
        : `The load is the bytes alone: ${basis.uncounted.join(", ")} cannot say how much is used.`;
    case "positions":
      return "Nothing is stored yet: every position weighs the same.";
  }
}

function ratioText({ value, bound }: Figure): string {
  return (bound > 0 ? value / bound : 1).toFixed(2);
}

/** Two digits that say something: `0.62`, `0.0041`. */
function shareText(share: number): string {
  return share >= 0.095 || share === 0 ? share.toFixed(2) : share.toPrecision(2);
}
