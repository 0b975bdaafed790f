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

/** A measured time: `12 ms`, `3.4s`, `45s`, `2m 05s`, `1h 12m`. */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return "unknown";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1_000);
  return seconds < 10 ? `${(ms / 1_000).toFixed(1)}s` : clockText(seconds);
}

/** An estimated time, rounded up to seconds: `45s`, `12m 30s`, `3h 05m`. */
export function secondsText(seconds: number): string {
  return clockText(Math.ceil(seconds));
}

/** How long something has been as it is: `450 ms`, `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function ageText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h ${two(minutes % 60)} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function clockText(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
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
