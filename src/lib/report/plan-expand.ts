import { bytesText, countText, durationText, plural } from "../figures.js";
import { formatSegment } from "../keyspace/wire.js";
import type { Basis, Expansion } from "../plan/expand.js";
import type { Figure } from "../plan/expand/solve.js";
import { wrap } from "../wrap.js";
import { itemsText } from "./group.js";
import type { TextOptions } from "./text-options.js";

const SHARDS_SHOWN = 20;
const SOURCES_SHOWN = 4;
/** Accesses counted for less than this are a guess. */
const ENOUGH_SECONDS = 60;

/** The same as a value for `--json`; demands by name, and every ratio. */
export function expandFacts(expansion: Expansion): object {
  const { basis, shared, before, level, load, bytes, segments, searched, moves } = expansion;
  const figure = (of: Figure): object => ({ ...of, ratio: ratioOf(of) });
  return {
    basis,
    shared,
    before,
    level,
    load: figure(load),
    bytes: figure(bytes),
    segments: figure(segments),
    searched,
    moves: moves.map(({ demand, ...move }) => {
      const [moved, ops, traffic] = demand;
      return { ...move, bytes: moved, ops, traffic };
    }),
  };
}

/** How good the choice is against its bounds, what goes where, and what was not known. */
export function expandText(keyspace: string, expansion: Expansion, options: TextOptions): string {
  const targets = [...new Set(expansion.moves.map(({ to }) => to))];
  const shown = options.verbose ? targets : targets.slice(0, SHARDS_SHOWN);
  const rest = targets.length - shown.length;
  return [
    `${keyspace}: ${ratiosText(expansion)}`,
    ...shown.map((to) => takesText(expansion, to, options)),
    ...(rest > 0 ? [`and ${plural(rest, "new shard")} more: --verbose tells them all`] : []),
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
function takesText({ basis, moves }: Expansion, to: string, { verbose }: TextOptions): string {
  const own = moves.filter((move) => move.to === to);
  const total = (resource: 0 | 1): number =>
    own.reduce((all, { demand }) => all + demand[resource], 0);
  const amount =
    basis.kind === "positions"
      ? `${countText(total(0))} positions`
      : basis.kind === "bytes"
        ? bytesText(total(0))
        : `${bytesText(total(0))}, ${countText(total(1))} ops/s`;
  const shown = (verbose ? own : own.slice(0, SOURCES_SHOWN)).map(({ from, segments }) => {
    const items = segments.map(formatSegment);
    return `from ${from} ${verbose ? items.join(" ") : itemsText(items)}`;
  });
  const rest = own.length - shown.length;
  return `${to} takes ${amount}: ${shown.join(", ")}${rest > 0 ? ` and from ${rest} more` : ""}`;
}

function remarks({ basis, searched, segments, shared }: Expansion): string[] {
  const out = [basisText(basis)];
  if (searched) out.push("Every choice was looked at: none is better.");
  else if (segments.value > 2 * segments.bound) {
    out.push("Many segments: with a higher --bytes-tolerance or --tolerance there are fewer.");
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

function ratioText(figure: Figure): string {
  return ratioOf(figure).toFixed(2);
}

function ratioOf({ value, bound }: Figure): number {
  return bound > 0 ? value / bound : 1;
}

/** Two digits that say something: `0.62`, `0.0041`. */
function shareText(share: number): string {
  return share >= 0.095 || share === 0 ? share.toFixed(2) : share.toPrecision(2);
}
