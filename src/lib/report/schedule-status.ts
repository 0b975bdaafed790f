import { countText, durationText, groupedText, plural } from "../figures.js";
import { deadNodes, unwellText } from "../policy/unwell.js";
import { whomText } from "../plan/users/say.js";
import type {
  AgentPolicy,
  EntryStatus,
  ScheduleStatus,
  SiteStatus,
} from "../run/schedule-status.js";
import { wrap } from "../wrap.js";
import { columns } from "./columns.js";
import { barText, percentText } from "./share.js";
import type { TextOptions } from "./text-options.js";

const BAR = 10;
/** Sites are listed up to here, those where something is the matter and the fullest first, unless everything is asked for. */
const MAX_SITES = 20;

/** How users and sites are: how full, how many logins, how well, what keeps users away and for how long. */
export function scheduleStatusText(status: ScheduleStatus, options: TextOptions): string {
  const { width } = options;
  const sites = shownOf(status.sites, options);
  const more = status.sites.length - sites.length;
  const entries = sites.flatMap((site) =>
    site.entries.flatMap((entry) => entryRows(site, entry, options)),
  );
  const strays = sites.flatMap((site) => strayedLines(site, width));
  const agents = agentLines(status, options);
  const { topology, policy } = status;
  const by = policy === null ? "no policy yet (ops schedule balance)" : `policy ${policy}`;
  return [
    ...wrap(`${topology}: ${onlineText(status)}, ${by}`, width, 2),
    "",
    columns([SITE_HEAD, ...sites.map(siteRow)], width),
    ...(more > 0 ? [`${plural(more, "site")} more, each less full and well`] : []),
    "",
    columns(
      [
        ["carrier", "users online", "loss"],
        ...status.carriers.map(({ id, online: users, loss }) => [
          id,
          users === null ? "?" : groupedText(users),
          lossText(loss),
        ]),
      ],
      width,
    ),
    ...(entries.length === 0 ? [] : ["", "Kept away", columns(entries, width)]),
    ...(strays.length === 0 ? [] : ["", "Elsewhere", ...strays]),
    ...(agents.length === 0 ? [] : ["", "Access agents", ...agents]),
  ].join("\n");
}

/** Nobody counts the users of a site of which no gateway answers. */
function onlineText({ online, sites }: ScheduleStatus): string {
  if (sites.every(({ gateways }) => gateways.all === 0))
    return "no access nodes with an agent, so nobody knows who is online";
  if (online === null) return "no gateway answers, so nobody knows who is online";
  const blind = sites.filter((site) => site.online === null);
  const but =
    blind.length === 0 ? "" : ` without ${plural(blind.length, "site")} that nobody counts`;
  return `${plural(online, "user")} online${but}`;
}

const SITE_HEAD = ["site", "users online", "", "", "logins/s", "gateways", "loss", "kept away by"];

const MODE_TEXT = { mask: "mask", weak: "weak disable", strong: "strong disable" } as const;

function siteRow({ id, online, capacity, logins, gateways, loss, entries }: SiteStatus): string[] {
  const share = online === null || capacity === 0 ? 0 : online / capacity;
  const inForce = entries.filter((entry) => mostOf(entry) > 0);
  return [
    id,
    `${online === null ? "?" : countText(online)} of ${countText(capacity)}`,
    online === null ? "" : barText(share, BAR),
    online === null ? "" : percentText(share).padStart(4),
    logins === null ? "?" : `${countText(logins.now)} of ${countText(logins.limit)}`,
    gateways.all === 0 ? "none" : `${gateways.answering} of ${gateways.all}`,
    lossText(loss),
    [...new Set(inForce.map(({ mode }) => mode))].join(", "),
  ];
}

function shownOf(sites: readonly SiteStatus[], { verbose }: TextOptions): readonly SiteStatus[] {
  if (verbose || sites.length <= MAX_SITES) return sites;
  const isWell = ({ entries, gateways }: SiteStatus) =>
    entries.length === 0 && gateways.answering === gateways.all;
  const rank = (site: SiteStatus) => (isWell(site) ? 0 : 1e6) + (site.online ?? 0) / site.capacity;
  const first = sites.toSorted((a, b) => rank(b) - rank(a)).slice(0, MAX_SITES);
  return sites.filter((site) => first.includes(site));
}

function lossText(loss: number | null): string {
  return loss === null ? "?" : `${(loss * 100).toFixed(1)}%`;
}

/** The share of its users that the entry keeps away, where that is the most. */
function mostOf({ levels }: EntryStatus): number {
  return Math.max(0, ...levels.map(({ level }) => level));
}

function entryRows(site: SiteStatus, entry: EntryStatus, { verbose }: TextOptions): string[][] {
  const { mode, reason, actor, levels, lacking } = entry;
  const differ = new Set(levels.map(({ level, held }) => `${level} ${held}`)).size > 1;
  const each = levels.map(
    ({ node, level, held }) => `${node} ${percentText(level)}${held ? " (held)" : ""}`,
  );
  return [
    [`  ${site.id}`, `${MODE_TEXT[mode]} for ${whomText(entry)}, by ${actor}: ${reason}`],
    ["", stateText(entry)],
    ...unwellRows(site, entry),
    ...(differ ? [["", `the dispatchers differ: ${each.join(", ")}`]] : []),
    ...(verbose && !differ && levels.length > 0 ? [["", `kept away at ${each.join(", ")}`]] : []),
    ...(lacking.length === 0 ? [] : [["", `not in force at ${lacking.join(", ")}`]]),
  ];
}

function stateText(entry: EntryStatus): string {
  const { leftMs, levels, ramp } = entry;
  const most = percentText(mostOf(entry));
  if (leftMs > 0) {
    const steps = `${percentText(ramp.step)} each ${durationText(ramp.everyMs)}`;
    return `${durationText(leftMs)} left, then users come back, ${steps}`;
  }
  const since = `expired ${durationText(-leftMs)} ago`;
  if (levels.length === 0) return `${since}; no dispatcher says how far users are back`;
  if (mostOf(entry) === 0) return `${since}, all users may be back`;
  const held = levels.some((one) => one.held) ? "; held: the site is not well" : "";
  return `${since}, ramping back: ${most} still kept away${held}`;
}

/** What holds users back, as the dispatcher says that knows the most of it, and what to do. */
function unwellRows({ id }: SiteStatus, { levels }: EntryStatus): string[][] {
  const told = levels.flatMap(({ unwell }) => unwell ?? []);
  const most = told.toSorted((a, b) => (b.loss ?? 0) - (a.loss ?? 0))[0];
  if (most === undefined) return [];
  const dead = deadNodes(most);
  const what =
    dead.length === 0
      ? []
      : [
          `${dead.join(", ")}: start it again; or, gone for good, take it out of the file, then ops schedule restore ${id}`,
        ];
  return [["", unwellText(most)], ...what.map((line) => ["", line])];
}

function strayedLines({ id, strayed }: SiteStatus, width: number): string[] {
  // Who has not said it is named below.
  if (strayed === null || strayed === 0) return [];
  const who = `${plural(strayed, "user")} who ${strayed === 1 ? "belongs" : "belong"} there`;
  const line = `  ${id}: ${who} and whom nothing keeps away ${strayed === 1 ? "is" : "are"} connected elsewhere, until they log in again (ops schedule restore ${id})`;
  return wrap(line, width, 6);
}

/** Those that are silent or behind; all of them if everything is asked for. */
function agentLines({ agents, silent, policy }: ScheduleStatus, { width, verbose }: TextOptions) {
  const named = agents.filter(({ version }) => verbose || version !== policy);
  return [
    ...named.map((agent) => `  ${who(agent)} has ${versionText(agent, policy)}`),
    ...agents
      .filter(({ isLeftOut }) => isLeftOut)
      .map(
        (agent) =>
          `  ${who(agent)} gets no logins: the policy has no address of it (ops schedule balance)`,
      ),
    ...silent.map((agent) => `  ${who(agent)} does not answer: ${agent.why}`),
  ].flatMap((line) => wrap(line, width, 6));
}

function who({ node, role, site }: Pick<AgentPolicy, "node" | "role" | "site">): string {
  return `${node} (${role} of ${site})`;
}

function versionText({ version }: AgentPolicy, newest: number | null): string {
  if (version === null) return "no policy";
  return version === newest ? `policy ${version}` : `the older policy ${version}`;
}
