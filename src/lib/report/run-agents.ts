import { ageText } from "../figures.js";
import type { AgentAnswer } from "../run/tables.js";
import { columns } from "./columns.js";

/** What every agent holds, follows and knows. */
export function agentsText(agents: readonly AgentAnswer[]): string {
  return agents.map(agentText).join("\n");
}

function agentText({ node, url, status, why }: AgentAnswer): string {
  if (status === null) return `${node}  ${url}  NO ANSWER: ${why}`;
  const routes = Object.entries(status.routes).map(
    ([keyspace, version]) => `${keyspace} ${version}`,
  );
  const head = `${node}  ${url}  up ${ageText(status.uptimeMs)}, ${status.engine}, routes ${routes.join(", ") || "none"}`;
  const rows = status.entries.map((entry) => {
    const { link, source } = entry;
    const linked =
      link === null
        ? ""
        : `${link.phase}${link.lagMs === null ? "" : `, lag ${ageText(link.lagMs)}`}${link.error === null ? "" : `, ${link.error}`}`;
    const throttled =
      link !== null && link.throttle.reason !== "none" ? `throttled: ${link.throttle.reason}` : "";
    const from = source === null ? "" : `from ${source.node}`;
    return [
      "",
      `${entry.keyspace} [${entry.lo}, ${entry.hi})`,
      `${entry.role}${entry.phase === "idle" ? "" : ` (${entry.phase})`} ${entry.generation}`,
      from,
      linked,
      throttled,
    ];
  });
  return rows.length === 0 ? `${head}\n  holds nothing` : `${head}\n${columns(rows)}`;
}
