import { durationText, plural } from "../figures.js";
import { range } from "../plan/say.js";
import type { AgentAnswer } from "../run/tables.js";
import { wrap } from "../wrap.js";
import { columns } from "./columns.js";
import { groupBy, rowsOf } from "./group.js";
import type { TextOptions } from "./text-options.js";

type EntryStatus = NonNullable<AgentAnswer["status"]>["entries"][number];

/** What every agent holds, follows and knows. */
export function agentsText(agents: readonly AgentAnswer[], options: TextOptions): string {
  return agents.map((agent) => agentText(agent, options)).join("\n");
}

function agentText({ node, url, status, why }: AgentAnswer, options: TextOptions): string {
  const head = (text: string) => wrap(`${node}  ${url}  ${text}`, options.width, 4).join("\n");
  if (status === null) return head(`NO ANSWER: ${why}`);
  if (status.role !== "data") {
    const policy = status.policy === null ? "no policy" : `policy ${status.policy}`;
    return head(`up ${durationText(status.uptimeMs)}, ${status.role}, ${policy}`);
  }
  const routes = Object.entries(status.routes).map(
    ([keyspace, version]) => `${keyspace} ${version}`,
  );
  const title = head(
    `up ${durationText(status.uptimeMs)}, ${status.engine}, routes ${routes.join(", ") || "none"}`,
  );
  const stretches = options.verbose
    ? status.entries.map((entry): Stretch => [entry])
    : stretchesOf(status.entries);
  const groups = groupBy(stretches, ([entry]) =>
    JSON.stringify([entry.keyspace, ...likeness(entry)]),
  );
  const rows = rowsOf(groups, options, stretchRow, ([first, ...others]) =>
    standing(`${first[0].keyspace} ${plural(others.length + 1, "segment")}`, [
      ...first,
      ...others.flat(),
    ]),
  );
  return rows.length === 0
    ? `${title}\n  holds nothing`
    : `${title}\n${columns(rows, options.width)}`;
}

/** Entries of one keyspace, each beginning where the one before it ends. */
type Stretch = readonly [EntryStatus, ...EntryStatus[]];

/** Neighbours that are alike, as slices are once all of them have moved. */
function stretchesOf(entries: readonly EntryStatus[]): Stretch[] {
  const stretches: [EntryStatus, ...EntryStatus[]][] = [];
  const alikeOf = (entry: EntryStatus) =>
    JSON.stringify([entry.keyspace, String(entry.generation), ...likeness(entry)]);
  for (const entry of entries) {
    const before = stretches.at(-1);
    const last = before?.at(-1);
    if (last?.hi === entry.lo && alikeOf(last) === alikeOf(entry)) before!.push(entry);
    else stretches.push([entry]);
  }
  return stretches;
}

function stretchRow(stretch: Stretch): string[] {
  const [{ keyspace, lo }] = stretch;
  const whole = range({ keyspace, segments: [{ lo, hi: stretch.at(-1)!.hi }] });
  return standing(stretch.length === 1 ? whole : `${whole} (${stretch.length} parts)`, stretch);
}

/** What must be the same of entries that are told together. */
function likeness({ role, phase, link, source }: EntryStatus): unknown[] {
  return [role, phase, source?.node, link?.phase, link?.error, link?.throttle.reason, link?.heldMs];
}

function standing(place: string, entries: Stretch): string[] {
  const [{ role, phase, link, source }] = entries;
  const error = link === null || link.error === null ? "" : `, ${link.error}`;
  return [
    "",
    place,
    `${role}${phase === "idle" ? "" : ` (${phase})`} ${generations(entries)}`,
    source === null ? "" : `from ${source.node}`,
    link === null ? "" : `${link.phase}${lagText(entries)}${heldText(link.heldMs)}${error}`,
    link === null || link.throttle.reason === "none" ? "" : `throttled: ${link.throttle.reason}`,
  ];
}

/** A follower learns the generation with the first write, so those of like entries may differ. */
function generations(entries: readonly EntryStatus[]): string {
  const sorted = entries.map(({ generation }) => generation).toSorted((a, b) => (a < b ? -1 : 1));
  const [lowest, highest] = [String(sorted[0]), String(sorted.at(-1))];
  return lowest === highest ? lowest : `${lowest}-${highest}`;
}

function heldText(ms: number): string {
  return ms === 0 ? "" : `, window ${durationText(ms)}`;
}

function lagText(entries: readonly EntryStatus[]): string {
  const lags = entries.flatMap(({ link }) => link?.lagMs ?? []);
  if (lags.length === 0) return "";
  const most = entries.length > 1 ? "up to " : "";
  return `, lag ${most}${durationText(Math.max(...lags))}`;
}
