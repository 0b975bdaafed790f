import { clockText, countText, plural } from "../figures.js";
import type { SimulatedSite, Simulation } from "../schedule/simulate/simulate.js";
import { wrap } from "../wrap.js";
import { axisSteps, timeSteps } from "./chart-axis.js";
import { escapeMarkup } from "./markup.js";

const WIDTH = 1_000;
const LEFT = 80;
const RIGHT = 170;
const PANEL = 280;
const GAP = 64;
const TOP = 92;
const LINE = 20;
/** Okabe and Ito's, which people tell apart who do not see all colours; then darker ones. */
const COLOURS = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#7a6a00",
  "#00406b",
  "#7b2d5e",
  "#444444",
];
/** More lines are not told apart: the other sites are one. */
const MOST_LINES = COLOURS.length;

/** So that lines that lie on each other are all seen. */
const DASHES = ["none", "9 4", "3 3"];
/** Characters of a line of text. */
const CHARACTERS = 130;

interface Line {
  readonly name: string;
  /** As attributes of SVG. */
  readonly stroke: string;
  readonly online: readonly number[];
  readonly logins: readonly number[];
}

interface Panel {
  readonly title: string;
  readonly most: number;
  readonly curves: readonly { readonly stroke: string; readonly values: readonly number[] }[];
  /** A line across, with what it stands for. */
  readonly limit: { readonly at: number; readonly name: string } | null;
}

/** Of all users: where never more are without a session at once, there is nothing to see of it. */
const SEEN = 1e-4;

/** Users online and logins of each site over time, as a file of its own: SVG without scripts. */
export function simulationChart(simulation: Simulation): string {
  const lines = linesOf(simulation);
  const { change, users, events, sites } = simulation;
  const panels = panelsOf(simulation, lines);
  const below = TOP + panels.length * (PANEL + GAP);
  const told = events.flatMap(({ at, what }, i) =>
    wrap(`${i + 1}. ${clockText(at)} ${what}`, CHARACTERS, 4),
  );
  const height = below + told.length * LINE + 16;
  const title = `${change.what} ${change.sites.join(", ")}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13" fill="#222">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(LEFT, 28, `Simulation: ${title}`, `font-size="18"`),
    text(
      LEFT,
      48,
      `${countText(users)} users online over ${plural(sites.length, "site")}`,
      `fill="#555"`,
    ),
    ...panels.flatMap((panel, i) => panelText(panel, TOP + i * (PANEL + GAP), simulation)),
    ...lines.map(({ name, stroke }, i) => legend(name, stroke, TOP + 8 + i * LINE)),
    ...told.map((line, i) => text(LEFT, below + i * LINE, line, `fill="#333"`)),
    "</svg>",
    "",
  ].join("\n");
}

function panelsOf({ sites, users, without }: Simulation, lines: readonly Line[]): Panel[] {
  const limit = Math.max(...sites.map(({ loginLimit }) => loginLimit));
  const mostLogins = Math.max(...lines.flatMap(({ logins }) => logins));
  const isLimitSeen = limit < 1.6 * mostLogins;
  return [
    {
      title: "users online",
      most: Math.max(...lines.flatMap(({ online }) => online)),
      curves: lines.map(({ stroke, online }) => ({ stroke, values: online })),
      limit: null,
    },
    {
      title: "logins per second (the most in each interval)",
      most: isLimitSeen ? limit : mostLogins,
      curves: lines.map(({ stroke, logins }) => ({ stroke, values: logins })),
      limit: isLimitSeen ? { at: limit, name: "most that a site takes" } : null,
    },
    ...(without.most < SEEN * users
      ? []
      : [
          {
            title: "users without a session, of all sites",
            most: without.most,
            curves: [{ stroke: `stroke="#c00"`, values: without.series }],
            limit: null,
          },
        ]),
  ];
}

/** Those that change most have a line of their own. */
function linesOf({ sites }: Simulation): Line[] {
  const byChange = sites.toSorted((a, b) => changeOf(b) - changeOf(a));
  const own = sites.length <= MOST_LINES ? sites.length : MOST_LINES - 1;
  const shown = new Set(byChange.slice(0, own).map(({ id }) => id));
  const lines = sites.filter(({ id }) => shown.has(id));
  const rest = sites.filter(({ id }) => !shown.has(id));
  return [
    ...lines.map(({ id, online, logins }) => ({ name: id, online, logins })),
    ...(rest.length === 0
      ? []
      : [
          {
            name: `mean of ${rest.length} others`,
            online: mean(rest.map(({ online }) => online)),
            logins: mean(rest.map(({ logins }) => logins)),
          },
        ]),
  ].map((line, i) => ({
    ...line,
    stroke: `stroke="${COLOURS[i]!}" stroke-dasharray="${DASHES[i % DASHES.length]!}"`,
  }));
}

function changeOf({ before, after, mostOnline }: SimulatedSite): number {
  return Math.max(Math.abs(after - before), mostOnline - before);
}

function mean(series: readonly (readonly number[])[]): number[] {
  return series[0]!.map((_, i) => series.reduce((sum, one) => sum + one[i]!, 0) / series.length);
}

function panelText(
  { title, most, curves, limit }: Panel,
  top: number,
  { events, everySeconds, simulatedSeconds: seconds }: Simulation,
): string[] {
  const steps = axisSteps(most);
  const highest = steps.at(-1)!;
  const bottom = top + PANEL;
  const right = WIDTH - RIGHT;
  const x = (second: number) =>
    round(LEFT + ((right - LEFT) * Math.min(second, seconds)) / seconds);
  const y = (value: number) => round(bottom - (PANEL * value) / highest);
  const { at, name } = timeSteps(seconds);
  return [
    text(LEFT, top - 10, title, `font-weight="bold"`),
    ...steps.flatMap((step) => [
      `<path d="M${LEFT} ${y(step)}H${right}" stroke="#ddd"/>`,
      text(LEFT - 8, y(step) + 4, countText(step), `text-anchor="end"`),
    ]),
    ...at.flatMap(({ second, label }) => [
      `<path d="M${x(second)} ${bottom}v5" stroke="#888"/>`,
      text(x(second), bottom + 18, label, `text-anchor="middle"`),
    ]),
    text(right + 10, bottom + 18, name, `fill="#555"`),
    ...events.map(
      (event) =>
        `<path d="M${x(event.at)} ${top}V${bottom}" stroke="#bbb" stroke-dasharray="2 3"/>`,
    ),
    ...numbered(events.map((event) => x(event.at))).map((mark) =>
      text(mark.x, bottom + 32, mark.numbers, `text-anchor="middle" font-size="11" fill="#777"`),
    ),
    ...(limit === null
      ? []
      : [
          `<path d="M${LEFT} ${y(limit.at)}H${right}" stroke="#c00" stroke-dasharray="6 4"/>`,
          text(right + 6, y(limit.at) + 4, limit.name, `fill="#c00" font-size="12"`),
        ]),
    ...curves.map(({ stroke, values }) => {
      const points = values.map((value, i) => `${x(i * everySeconds)},${y(value)}`);
      return `<polyline points="${points.join(" ")}" fill="none" ${stroke} stroke-width="1.8"/>`;
    }),
    `<path d="M${LEFT} ${top}V${bottom}H${right}" fill="none" stroke="#888"/>`,
  ];
}

/** Numbers of events, those together that would be written over each other: `3-5`. */
function numbered(at: readonly number[]): { readonly x: number; readonly numbers: string }[] {
  const marks: { x: number; first: number; last: number }[] = [];
  for (const [i, x] of at.entries()) {
    const before = marks.at(-1);
    if (before !== undefined && x - before.x < 26) before.last = i + 1;
    else marks.push({ x, first: i + 1, last: i + 1 });
  }
  return marks.map(({ x, first, last }) => ({
    x,
    numbers: first === last ? `${first}` : `${first}-${last}`,
  }));
}

function legend(name: string, stroke: string, y: number): string {
  const x = WIDTH - RIGHT + 16;
  return `<path d="M${x} ${y - 4}h22" ${stroke} stroke-width="3"/>${text(x + 28, y, name, "")}`;
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escapeMarkup(content)}</text>`;
}

function round(n: number): number {
  return Math.round(n * 10) / 10;
}
