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
  const routes = Object.entries(status.routes).map(
    ([keyspace, version]) => `${keyspace} ${version}`,
  );
  const title = head(
    `up ${durationText(status.uptimeMs)}, ${status.engine}, routes ${routes.join(", ") || "none"}`,
  );
  const groups = groupBy(status.entries, (entry) =>
    JSON.stringify([entry.keyspace, ...standing(entry, "")]),
  );
  const rows = rowsOf(
    groups,
    options,
    (entry) => ["", placeOf(entry), ...standing(entry, lagText([entry]))],
    (group) => {
      const [first] = group;
      const place = `${first.keyspace} ${plural(group.length, "segment")}`;
      return ["", place, ...standing(first, lagText(group))];
    },
  );
  return rows.length === 0
    ? `${title}\n  holds nothing`
    : `${title}\n${columns(rows, options.width)}`;
}

/** What entries have in common, but for how much they lag. */
function standing(entry: EntryStatus, lag: string): string[] {
  const { role, phase, generation, link, source } = entry;
  return [
    `${role}${phase === "idle" ? "" : ` (${phase})`} ${generation}`,
    source === null ? "" : `from ${source.node}`,
    link === null ? "" : `${link.phase}${lag}${link.error === null ? "" : `, ${link.error}`}`,
    link === null || link.throttle.reason === "none" ? "" : `throttled: ${link.throttle.reason}`,
  ];
}

function placeOf(entry: EntryStatus): string {
  return range({ keyspace: entry.keyspace, segment: entry });
}

function lagText(entries: readonly EntryStatus[]): string {
  const lags = entries.flatMap(({ link }) => link?.lagMs ?? []);
  if (lags.length === 0) return "";
  const most = entries.length > 1 ? "up to " : "";
  return `, lag ${most}${durationText(Math.max(...lags))}`;
}
