import { countText, durationText, groupedText, plural } from "../figures.js";
import { type Amount, RESOURCES } from "../topology/capacity/amounts.js";
import { listed } from "../topology/capacity/listed.js";
import type { Outcome } from "../schedule/losses/study.js";
import { type LayerUse, shareUsed, type SiteUse, type Use } from "../schedule/losses/use.js";
import { classesOf } from "../schedule/problem.js";
import { costOf, UNKNOWN } from "../schedule/quality/cost.js";
import type { Qualities } from "../schedule/quality/entries.js";
import type { Demand, Topology } from "../topology/types.js";
import { isSomeone } from "../schedule/types.js";
import { wrap } from "../wrap.js";
import { columns } from "./columns.js";
import { barText, percentText } from "./share.js";

const BAR = 20;
/** Sites are listed up to here, the fullest first, unless everything is asked for. */
const MAX_SITES = 8;

/** How much of the quality is known that decides where users are best. */
export function renderMeasured(topology: Topology, demand: Demand, qualities: Qualities): string {
  const all = classesOf(demand).flatMap(({ carrier, province }) => qualities(carrier, province));
  const known = all.filter((one) => one !== null).length;
  const rest = `${UNKNOWN.rttMs} ms and ${percentText(UNKNOWN.loss)} of loss, a cost of ${durationText(costOf(UNKNOWN))}`;
  const users = `${countText(demand.onlineUsers)} users online over ${plural(topology.sets.length, "site")}`;
  return [
    `${topology.name}: ${users}`,
    `measured: ${groupedText(known)} of ${plural(all.length, "pair")} of users and site`,
    ...(known < all.length ? [`the others count as ${rest}`] : []),
  ].join("\n");
}

/** What becomes of the users now, or when a place is lost. */
export function renderOutcome(
  outcome: Outcome,
  { width, verbose }: { readonly width: number; readonly verbose: boolean },
): string {
  const { loss, carriers, layers } = outcome;
  const title = loss ? `Without ${loss.what}` : "Now, at the best places";
  const sites = outcome.sites.toSorted((a, b) => tenths(b) - tenths(a));
  const shown = verbose ? sites : sites.slice(0, MAX_SITES);
  const rows = [
    ...shown.map((site) => [
      `site ${site.id}`,
      countText(site.users),
      ...useCells(site),
      site.what,
    ]),
    ...carriers.map((one) => {
      const out = isSomeone(one.unplaced) ? `, ${countText(one.unplaced)} without a place` : "";
      return [`carrier ${one.id}`, countText(one.used), ...useCells(one), `users online${out}`];
    }),
    ...(verbose ? layers : fullestOf(layers)).map((one) => [
      `layer ${one.layer}`,
      layerText(one),
      ...useCells(one),
      one.what.replace(` in the ${one.layer} layer`, ""),
    ]),
  ];
  const more = sites.length - shown.length;
  return [
    `${title}: ${verdict(outcome)}`,
    ...details(outcome).flatMap((line) => wrap(`  ${line}`, width, 4)),
    indented(columns(rows, width - 2)),
    ...(more > 0 ? [`  ${plural(more, "site")} more, each less full`] : []),
  ].join("\n");
}

/** So that rounding is no order. */
function tenths(site: SiteUse): number {
  return Math.round(1_000 * shareUsed(site));
}

/** Of each layer, the resource of which the most is used. */
function fullestOf(layers: readonly LayerUse[]): LayerUse[] {
  return layers.filter((one) =>
    layers.every((other) => other.layer !== one.layer || shareUsed(other) <= shareUsed(one)),
  );
}

function verdict({ fits, unplaced, required }: Outcome): string {
  if (fits) return "everyone has a place";
  const counts = required ? "" : " (policy.regionsLost does not ask for it)";
  return `${countText(unplaced)} users have no place${counts}`;
}

function details(outcome: Outcome): string[] {
  const { loss, moved, madeRoom, seconds, leastSeconds, shortage, over, levels, meanMs } = outcome;
  const room = isSomeone(madeRoom)
    ? `, ${countText(madeRoom)} of them to make room for others`
    : "";
  const times = `${durationText(seconds * 1_000)} at the spare login rates (at least ${durationText(leastSeconds * 1_000)})`;
  const worst = levels.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  return [
    ...(shortage
      ? [
          `${listed(shortage.users.map(({ carrier, users }) => `${countText(users)} users of ${carrier}`))}: ${
            shortage.limits.length === 0
              ? "no site is left that they reach and that takes logins"
              : `${listed(shortage.limits.map(({ what, sites, users }) => `${countText(users)} ${what} in ${listed(sites)}`))} are full, ${countText(shortage.missing)} too low together`
          }`,
        ]
      : []),
    ...(loss ? [`${countText(moved)} users move${room}; ${times}`] : []),
    ...(over.length > 0
      ? [
          `over the headroom: ${listed(over.map(({ limit, users }) => `${limit.sites.join(", ")} by ${countText(users - limit.soft)} ${limit.what}`))}`,
        ]
      : []),
    `mean cost ${durationText(meanMs)}; every level at most ${worst.ratio.toFixed(4)} of its bound`,
  ];
}

function useCells(use: Use): string[] {
  const share = shareUsed(use);
  return [percentText(share).padStart(4), barText(share, BAR)];
}

function layerText({ what, used }: LayerUse): string {
  const amount: Amount | undefined = RESOURCES.find((one) => what.startsWith(one.what));
  return (amount?.text ?? countText)(used);
}

function indented(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}

/** One line for each loss. */
export function renderOutcomes(outcomes: readonly Outcome[], width: number): string {
  const rows = outcomes.map((outcome) => {
    const { loss, unplaced, moved, seconds, leastSeconds, sites } = outcome;
    const [fullest] = sites.toSorted((a, b) => tenths(b) - tenths(a));
    return [
      loss?.what ?? "nothing",
      countText(unplaced),
      countText(moved),
      durationText(seconds * 1_000),
      durationText(leastSeconds * 1_000),
      fullest ? `${percentText(shareUsed(fullest))} ${fullest.id}` : "",
    ];
  });
  const head = ["lost", "unplaced", "moved", "takes", "at least", "fullest site"];
  return columns([head, ...rows], width);
}
