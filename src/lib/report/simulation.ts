import { clockText, countText, durationText, plural } from "../figures.js";
import type { SimulatedSite, Simulation } from "../schedule/simulate/simulate.js";
import { isSomeone } from "../schedule/types.js";
import { wrap } from "../wrap.js";
import { columns } from "./columns.js";

/** Of the users who were to move: fewer, and the time says nothing about the bound. */
const ALL = 0.999;

/** What would happen when, and how bad it would get. */
export function simulationText(simulation: Simulation, width: number): string {
  const { change, events, users, sites } = simulation;
  const times = events.map(({ at, what }) => [`  ${clockText(at)}`, what]);
  return [
    ...wrap(`Simulation: ${change.what} ${change.sites.join(", ")}`, width, 2),
    `  ${countText(users)} users online over ${plural(sites.length, "site")}; no agent was asked`,
    "",
    columns(times, width),
    "",
    ...verdicts(simulation).flatMap((line) => wrap(line, width, 2)),
    "",
    columns(
      sites.map((site) => siteRow(site, change)),
      width,
    ),
  ].join("\n");
}

function verdicts(simulation: Simulation): string[] {
  const { ended, seconds, boundSeconds, sites, mostOfLimit, overdue, without } = simulation;
  const { change, toMove, moved, told } = simulation;
  const isDrill = change.what === "drill";
  const refused = sites.reduce((sum, one) => sum + one.refused, 0);
  // The hold of a drill is nobody's pace.
  const hasAll = !isDrill && ended.how === "done" && told > 0 && moved > ALL * toMove;
  const ratio =
    boundSeconds === null
      ? "a receiver has no logins to spare"
      : `${(seconds / boundSeconds).toFixed(2)}x the bound of ${durationText(boundSeconds * 1_000)}`;
  const took = `${durationText(seconds * 1_000)}${hasAll ? `, ${ratio}` : ""}`;
  const who =
    told === 0
      ? "they logged in by themselves"
      : `${countText(told)} were told or closed, the others logged in by themselves`;
  return [
    ended.how === "done"
      ? `done after ${took}`
      : ended.how === "stopped"
        ? `NOT DONE: stopped after ${took}`
        : `NOT DONE: goes on after ${took}`,
    `moved: ${countText(moved)} of ${countText(toMove)} users${isDrill ? ", and back" : ""}; ${who}`,
    `logins: at most ${percent(mostOfLimit)} of what a site takes in a second, ${countText(refused)} refused`,
    ...(isSomeone(overdue)
      ? [`closed: ${countText(overdue)} users found no room in time after they were told`]
      : []),
    withoutText(without),
    ...(isSomeone(without.atTheEnd)
      ? [`in the end ${countText(without.atTheEnd)} users are still without a session`]
      : []),
  ];
}

function withoutText({ times, userSeconds, most }: Simulation["without"]): string {
  if (!isSomeone(times)) return "without a session: nobody";
  const mean = durationText((userSeconds / times) * 1_000);
  return `without a session: ${countText(times)} times, ${mean} each on average, at most ${countText(most)} users at once`;
}

/** Of a drill the sites that it fills tell their peak. */
function siteRow(
  { id, capacity, before, mostOnline, after, loginLimit, mostLogins }: SimulatedSite,
  { what, sites }: Simulation["change"],
): string[] {
  const over =
    what === "drill" && sites.includes(id) ? [before, mostOnline, after] : [before, after];
  return [
    `  ${id}`,
    `${over.map(countText).join(" -> ")} users`,
    over.map((users) => percent(users / capacity)).join(" -> "),
    `logins/s at most ${countText(mostLogins)} of ${countText(loginLimit)}`,
  ];
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
