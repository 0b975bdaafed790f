/** Quantities as people read them. Pure; the one place where they are made, for plans, runs and progress alike. */

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;
const DECIMAL = ["", "k", "M", "G", "T", "P", "E"] as const;

/** `1.2 GiB` */
export function bytesText(bytes: bigint | number): string {
  return scaled(Number(bytes), 1024, BINARY).join(" ");
}

/** `12.3M` */
export function countText(count: bigint | number): string {
  return scaled(Number(count), 1000, DECIMAL).join("");
}

/** A whole number in full: `12,345`. */
export function groupedText(n: number): string {
  return n.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A length of time: `0s`, `4.2ms`, `835ms`, `3.4s`, `45s`, `2m 05s`, `1h 12m`, `3d 4h`. */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return "unknown";
  const short = Math.max(0, rounded(ms));
  if (short === 0) return "0s";
  if (short < 1_000) return `${short}ms`;
  const seconds = rounded(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours}h ${two(minutes % 60)}m`
    : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** A time since a start, in seconds: `01:05:09`. */
export function clockText(seconds: number): string {
  const hours = Math.floor(seconds / 3_600);
  return `${two(hours)}:${two(Math.floor(seconds / 60) % 60)}:${two(Math.floor(seconds) % 60)}`;
}

/** A time that lies between two, coarsely: `about 45s`, `about 3m 00s to 5m 00s`. */
export function aboutText(leastMs: number, mostMs: number): string {
  const grain = COARSE.find(([below]) => mostMs < below)![1];
  const most = Math.max(1, Math.ceil(mostMs / grain)) * grain;
  const least = Math.min(most, Math.max(1, Math.round(leastMs / grain)) * grain);
  return least === most
    ? `about ${durationText(most)}`
    : `about ${durationText(least)} to ${durationText(most)}`;
}

/** Times below so many milliseconds are told in steps of so many. */
const COARSE: readonly (readonly [below: number, step: number])[] = [
  [20_000, 1_000],
  [90_000, 5_000],
  [600_000, 30_000],
  [7_200_000, 60_000],
  [Infinity, 600_000],
];

/** How several measured times lie: `median 12ms, longest 56ms`; of a single one just itself. Never empty. */
export function spreadText(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const longest = durationText(sorted.at(-1)!);
  const median = sorted[Math.floor((sorted.length - 1) / 2)]!;
  return sorted.length === 1 ? longest : `median ${durationText(median)}, longest ${longest}`;
}

/** `1 copy`, `1,285 copies` */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${groupedText(n)} ${n === 1 ? one : many}`;
}

/** One digit after the point below ten, none above. */
function rounded(n: number): number {
  return Math.abs(n) < 9.95 ? Math.round(n * 10) / 10 : Math.round(n);
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}

/** Three digits at the most, and the unit. */
function scaled(n: number, base: number, units: readonly string[]): [digits: string, unit: string] {
  let value = n;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit += 1;
  }
  return [value.toFixed(unit === 0 || value >= 100 ? 0 : 1), units[unit]!];
}
