import { POSITION_END, type Segment } from "../keyspace/segment.js";
import { quote } from "../quote.js";

/** What a text with a unit says, or why it says nothing. Never throws, whatever the text. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string; readonly hint: string };

/** Factor of each unit; the empty name stands for a bare number. */
type Units = Readonly<Record<string, bigint>>;

const k = 1000n;
const Ki = 1024n;
const COUNT: Units = { "": 1n, k, K: k, M: k ** 2n, G: k ** 3n, T: k ** 4n };
/** `4000M` reads better than `4G` for a number of users, so only these are written. */
const COUNT_WRITTEN: Units = { "": 1n, k, M: k ** 2n };
const BYTES: Units = {
  "": 1n,
  B: 1n,
  kB: k,
  MB: k ** 2n,
  GB: k ** 3n,
  TB: k ** 4n,
  PB: k ** 5n,
  KiB: Ki,
  MiB: Ki ** 2n,
  GiB: Ki ** 3n,
  TiB: Ki ** 4n,
  PiB: Ki ** 5n,
};
const BYTES_WRITTEN: Units = without(BYTES, "");
const BITS_PER_SECOND: Units = {
  "": 1n,
  bps: 1n,
  kbps: k,
  Mbps: k ** 2n,
  Gbps: k ** 3n,
  Tbps: k ** 4n,
};
const BITS_WRITTEN: Units = without(BITS_PER_SECOND, "");
const BYTES_PER_SECOND: Units = Object.fromEntries(
  Object.entries(BYTES).map(([unit, factor]) => [unit === "" ? "" : `${unit}/s`, factor]),
);
const MILLISECONDS: Units = {
  ms: 1n,
  s: 1000n,
  m: 60_000n,
  h: 3_600_000n,
  d: 86_400_000n,
};

/** A number of things, as in `120M`, `30k`, `42`. Exact; no upper bound of its own beyond 40 digits. */
export function readCount(text: string, example = "120M, 30k or 42"): Reading<bigint> {
  return readScaled(text, COUNT, `a number such as ${example}`);
}

/** Bytes, as in `128GiB`, `1.5TB`. */
export function readBytes(text: string): Reading<bigint> {
  return readScaled(text, BYTES, "a size such as 128GiB or 500MB");
}

/** Bits per second, as in `10Gbps`. */
export function readBitsPerSecond(text: string): Reading<bigint> {
  return readScaled(text, BITS_PER_SECOND, "a bandwidth such as 10Gbps");
}

/** Bytes per second, as in `200MB/s`. */
export function readBytesPerSecond(text: string): Reading<bigint> {
  return readScaled(text, BYTES_PER_SECOND, "a rate such as 200MB/s");
}

/** Milliseconds, from `500ms`, `30s`, `10m`, `2h`, `1d`. The unit may be left out for 0 only. */
export function readDuration(text: string): Reading<bigint> {
  if (text.trim() === "0") return { ok: true, value: 0n };
  return readScaled(text, MILLISECONDS, "a time such as 500ms, 30s or 10m");
}

/** Percent, 0..100, from `10%` or `0.5%`. The sign is needed: a bare `0.1` could mean either. */
export function readPercent(text: string): Reading<number> {
  const hint = "write a percentage such as 10%";
  const match = /^(\d{1,3}(?:\.\d{1,9})?)\s?%$/.exec(text);
  if (!match) return bad(`${quote(text)} is not a percentage`, hint);
  const value = Number(match[1]);
  if (value > 100) return bad(`${quote(text)} is more than 100%`, hint);
  return { ok: true, value };
}

/** A decimal factor such as `2` or `1.5`. */
export function readRatio(text: string): Reading<number> {
  if (/^\d{1,9}(?:\.\d{1,9})?$/.test(text)) return { ok: true, value: Number(text) };
  return bad(`${quote(text)} is not a decimal number`, "write a number such as 1.5");
}

/** `lo..hi`: the positions from lo on, up to and without hi. Each side is a count; hi is at most 2^64. */
export function readSegment(text: string): Reading<Segment> {
  const hint =
    "write lo..hi, for example 0..1000M: it holds lo, and everything up to hi but not hi itself";
  const parts = text.split("..");
  if (parts.length !== 2) return bad(`${quote(text)} is not a segment`, hint);
  const lo = readCount(parts[0]!.trim());
  if (!lo.ok) return bad(`start of segment ${quote(text)}: ${lo.problem}`, hint);
  const hi = readCount(parts[1]!.trim());
  if (!hi.ok) return bad(`end of segment ${quote(text)}: ${hi.problem}`, hint);
  if (hi.value > POSITION_END) {
    return bad(`segment ${quote(text)} ends after ${POSITION_END}, the end of all positions`, hint);
  }
  if (lo.value >= hi.value) {
    return bad(`segment ${quote(text)} is empty: its end must be greater than its start`, hint);
  }
  return { ok: true, value: { lo: lo.value, hi: hi.value } };
}

/** The shortest exact text: `4000M`, `30k`, `1234`. */
export function formatCount(value: bigint): string {
  return formatScaled(value, COUNT_WRITTEN);
}

export function formatBytes(value: bigint): string {
  return formatScaled(value, BYTES_WRITTEN);
}

export function formatBitsPerSecond(value: bigint): string {
  return formatScaled(value, BITS_WRITTEN);
}

export function formatBytesPerSecond(value: bigint): string {
  return `${formatBytes(value)}/s`;
}

export function formatDuration(milliseconds: bigint): string {
  return milliseconds === 0n ? "0s" : formatScaled(milliseconds, MILLISECONDS);
}

/** `0..1000M`, as it is written in the YAML. */
export function formatSegment(segment: Segment): string {
  return `${formatCount(segment.lo)}..${formatCount(segment.hi)}`;
}

/** A name for a message: as it is if it may be one, else cut, so that no message grows without bound. */
export function shorten(name: string): string {
  return name.length > 64 ? `${name.slice(0, 57)}…` : name;
}

function readScaled(text: string, units: Units, expected: string): Reading<bigint> {
  const hint = `write ${expected}`;
  if (/^\s*-/.test(text)) return bad(`${quote(text)} is negative`, hint);
  const match = /^(\d+)(?:\.(\d+))?\s?([A-Za-z%/]*)$/.exec(text.length > 100 ? "" : text);
  if (!match) return bad(`${quote(text)} is not ${expected.replace(/ such as .*/, "")}`, hint);
  const [, whole = "", fraction = "", unit = ""] = match;
  if (whole.length + fraction.length > 40) return bad(`${quote(text)} has too many digits`, hint);
  const factor = Object.hasOwn(units, unit) ? units[unit]! : null;
  if (factor === null) {
    const known = Object.keys(units).filter((name) => name !== "");
    const problem = unit === "" ? "has no unit" : `has the unknown unit ${quote(unit)}`;
    const meant = known.find((name) => name.toLowerCase() === unit.toLowerCase());
    return bad(
      `${quote(text)} ${problem}`,
      meant
        ? `did you mean ${text.slice(0, -unit.length)}${meant}?`
        : `use one of ${known.join(", ")}`,
    );
  }
  const scaled = BigInt(whole + fraction) * factor;
  const divisor = 10n ** BigInt(fraction.length);
  if (scaled % divisor !== 0n) return bad(`${quote(text)} is not a whole number`, hint);
  return { ok: true, value: scaled / divisor };
}

function formatScaled(value: bigint, units: Units): string {
  const texts = Object.entries(units)
    .filter(([, factor]) => value % factor === 0n)
    .map(([unit, factor]) => `${value / factor}${unit}`);
  return texts.reduce((best, text) => (text.length < best.length ? text : best));
}

function bad(problem: string, hint: string): Reading<never> {
  return { ok: false, problem, hint };
}

function without(units: Units, name: string): Units {
  return Object.fromEntries(Object.entries(units).filter(([unit]) => unit !== name));
}
