import type { Said } from "../plan/said.js";
import { countItems } from "../plan/say.js";
import type { StepKind } from "../plan/any.js";
import { bytesText, groupedText, plural } from "../figures.js";

/** A step as it is told. */
export interface Told extends Said {
  readonly step: string;
  readonly kind: StepKind;
}

/** Items are shown as long as they fit into this: two segments of a hash ring, or a handful of shorter ones. */
const ITEMS_WIDTH = 90;
/** Up to so many rows of a table that are alike stand there one by one. */
const ROWS_SHOWN = 4;
/** Ranges of step ids that are shown one by one. */
const RANGES_SHOWN = 3;

/** Steps of these kinds are about some of the users of a gateway each. */
const OF_PARTS: ReadonlySet<StepKind> = new Set(["relogin", "disconnect"]);

/** Steps of these kinds are about a node each. */
const OF_NODES: ReadonlySet<StepKind> = new Set(["preflight", "adopt", "reach", "recall", "empty"]);

/** Steps that say the same about different segments, in the order of the first of each group. Each alone when `verbose`. */
export function groupsOf<T extends Told>(
  steps: readonly T[],
  { verbose }: { readonly verbose: boolean },
): [T, ...T[]][] {
  return groupBy(steps, ({ step, like }) => (verbose ? step : like));
}

/** Values of one key each, in the order of the first of them. */
export function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return [...groups.values()];
}

/** The rows of a table: one for each value, or where many are alike one for all of them. */
export function rowsOf<T>(
  groups: readonly [T, ...T[]][],
  { verbose }: { readonly verbose: boolean },
  one: (value: T) => string[],
  many: (group: readonly [T, ...T[]]) => string[],
): string[][] {
  return groups.flatMap((group) =>
    verbose || group.length <= ROWS_SHOWN ? group.map(one) : [many(group)],
  );
}

/**
 * `s12 link profile [0, 100) on sz-1 from sh-1: 1.2 MiB`, or of many
 * `s12-s140 link status on sz-1 from sh-1: 128 segments, 1.2 GiB, [0, 100) and 127 more`. `of`: how many there are in all,
 * where these are not all of them. `mark` comes before what they do. `verbose`: every segment is shown.
 */
export function groupText(
  group: readonly [Told, ...Told[]],
  {
    of = countItems(group),
    mark = "",
    verbose = false,
  }: { readonly of?: number; readonly mark?: string; readonly verbose?: boolean } = {},
): string {
  const sorted = group.toSorted((a, b) => numberOf(a.step) - numberOf(b.step));
  const [{ kind, what, like }] = group;
  const bytes = sorted.reduce((sum, step) => sum + step.bytes, 0n);
  const copied =
    bytes > 0n ? [`${kind === "preflight" ? "room for " : ""}${bytesText(bytes)}`] : [];
  const ids = idsText(sorted.map(({ step }) => step));
  if (of === 1) return [`${ids} ${mark}${what}`, ...copied].join(": ");
  const count = countText(of, kind);
  const told = countItems(group);
  const facts = [
    told === of ? count : `${groupedText(told)} of ${count}`,
    ...copied,
    itemsText(
      sorted.flatMap(({ items }) => items),
      kind,
      verbose ? Infinity : ITEMS_WIDTH,
    ),
  ];
  return `${ids} ${mark}${like}: ${facts.filter((fact) => fact !== "").join(", ")}`;
}

/** How many items the steps of a kind have. */
export function countText(n: number, kind: StepKind): string {
  if (kind === "gate") return plural(n, "copy", "copies");
  if (kind === "receivers") return plural(n, "time");
  if (OF_PARTS.has(kind)) return plural(n, "part");
  return plural(n, OF_NODES.has(kind) ? "node" : "segment");
}

/** The first few, as many as fit into `width`, and how many more there are. */
export function itemsText(
  items: readonly string[],
  kind: StepKind = "link",
  width = ITEMS_WIDTH,
): string {
  const gap = OF_NODES.has(kind) || OF_PARTS.has(kind) || kind === "gate" ? ", " : " ";
  let shown = 0;
  for (let used = 0; shown < items.length; shown += 1) {
    used += items[shown]!.length + gap.length;
    if (shown > 0 && used > width + gap.length) break;
  }
  const text = items.slice(0, shown).join(gap);
  return shown < items.length ? `${text} and ${groupedText(items.length - shown)} more` : text;
}

/** `s8`, `s8-s12`, `s8-s12, s15`; `s8..s99` for steps with many others between them. */
function idsText(ids: readonly string[]): string {
  const ranges: [first: string, last: string][] = [];
  for (const id of ids) {
    const last = ranges.at(-1);
    if (last !== undefined && numberOf(id) === numberOf(last[1]) + 1) last[1] = id;
    else ranges.push([id, id]);
  }
  if (ranges.length > RANGES_SHOWN) return `${ids[0]!}..${ids.at(-1)!}`;
  return ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(", ");
}

function numberOf(id: string): number {
  return Number(id.slice(1));
}
