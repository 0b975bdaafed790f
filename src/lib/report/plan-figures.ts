import { formatSegment } from "../keyspace/wire.js";
import type { Segment } from "../keyspace/segment.js";

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;
const DECIMAL = ["", "k", "M", "G", "T", "P", "E"] as const;
const SEGMENTS_SHOWN = 4;

/** `1.2 GiB` */
export function bytesText(bytes: bigint | number): string {
  const [digits, unit] = scaled(Number(bytes), 1024, BINARY);
  return `${digits} ${unit}`;
}

/** `12.3M` */
export function countText(count: bigint | number): string {
  return scaled(Number(count), 1000, DECIMAL).join("");
}

/** `45s`, `12m 30s`, `3h 05m`. */
export function secondsText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole}s`;
  const pad = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${pad(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${pad(Math.floor((whole % 3600) / 60))}m`;
}

/** The first few segments, and how many more there are. */
export function segmentsText(segments: readonly Segment[]): string {
  const shown = segments.slice(0, SEGMENTS_SHOWN).map(formatSegment).join(" ");
  return segments.length > SEGMENTS_SHOWN
    ? `${shown} and ${segments.length - SEGMENTS_SHOWN} more`
    : shown;
}

/** `1 copy`, `3 copies` */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Never broken over two lines: a segment, a word. */
const UNBROKEN = /\[\d+, \d+\)\S*|\S+/g;

/** Lines of at most `width` characters where the words allow it, broken at spaces; all but the first begin with `indent` spaces. */
export function wrap(text: string, width: number, indent: number): string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)![0];
  let empty = true;
  let end = line.length;
  for (const match of text.matchAll(UNBROKEN)) {
    const [word] = match;
    const gap = text.slice(end, match.index);
    if (empty || line.length + gap.length + word.length <= width) line += gap + word;
    else {
      lines.push(line);
      line = " ".repeat(indent) + word;
    }
    empty = false;
    end = match.index + word.length;
  }
  return [...lines, line];
}

function scaled<U extends string>(n: number, base: number, units: readonly U[]): [string, U] {
  let value = n;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit += 1;
  }
  return [value.toFixed(unit === 0 || value >= 100 ? 0 : 1), units[unit]!];
}
