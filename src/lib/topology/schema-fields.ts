import { z } from "zod";
import * as units from "./units.js";
import type { Reading } from "./units.js";
import { quote } from "../quote.js";

export const DEFAULT_VIRTUAL_NODES = 160;

/** Names go into URLs, command lines and file names. They begin with a letter, so that no map reorders them as indexes. */
export const NAME = /^[A-Za-z][A-Za-z0-9._-]{0,62}$/;
export const NAME_HINT =
  "a name begins with a letter and has up to 63 letters, digits, dots, dashes or underscores";

export const name = z.string().regex(NAME, {
  error: (issue) => `${quote(String(issue.input))} is no valid name`,
});

/** A map from names to values. The names are checked by the rule `bad-name`: zod would not look at the value of a bad one. */
export function byName<T extends z.ZodType>(value: T) {
  return z.record(z.string().meta({ pattern: NAME.source }), value);
}

/** Numbers with units arrive as numbers or texts and leave as exact numbers without one. */
function quantity<T>(read: (text: string) => Reading<T>, example: string, description: string) {
  return z
    .union([z.string(), z.number()], { error: `expected a value such as ${example}` })
    .meta({ description, examples: [example] })
    .transform((input, context): T => {
      const reading = read(String(input));
      if (reading.ok) return reading.value;
      context.addIssue({
        code: "custom",
        message: reading.problem,
        params: { hint: reading.hint },
      });
      return z.NEVER;
    });
}

/** A reader whose results are limited to `[min, max]` and become JS numbers. */
function within(
  read: (text: string) => Reading<bigint>,
  min: number,
  max: number,
  format: (n: bigint) => string,
) {
  return (text: string): Reading<number> => {
    const reading = read(text);
    if (!reading.ok) return reading;
    const { value } = reading;
    const refuse = (size: string, least: string, bound: number): Reading<number> => ({
      ok: false,
      problem: `${quote(text)} is too ${size}`,
      hint: `write ${least} ${format(BigInt(bound))}`,
    });
    if (value < BigInt(min)) return refuse("small", "at least", min);
    if (value > BigInt(max)) return refuse("large", "at most", max);
    return { ok: true, value: Number(value) };
  };
}

const MAX_COUNT = 1e12;

export function count(description: string, example: string, min = 0, max = MAX_COUNT) {
  const read = (text: string) => units.readCount(text, example);
  return quantity(within(read, min, max, units.formatCount), example, description);
}

export function bytes(description: string, example = "128GiB", min = 1) {
  return quantity(within(units.readBytes, min, 2 ** 50, units.formatBytes), example, description);
}

export function bitsPerSecond(description: string, example = "10Gbps", min = 1) {
  return quantity(
    within(units.readBitsPerSecond, min, 1e15, units.formatBitsPerSecond),
    example,
    description,
  );
}

/** Bytes per second of an amount of data that flows; none unless it is said. */
export function traffic(description: string, example: string) {
  const read = within(units.readBytesPerSecond, 0, 2 ** 50, units.formatBytesPerSecond);
  return quantity(read, example, description).prefault("0B/s");
}

/** Bytes per second; null for `unlimited`. */
export function rate(description: string) {
  const read = within(units.readBytesPerSecond, 1, 2 ** 50, units.formatBytesPerSecond);
  const readRate = (text: string): Reading<number | null> =>
    text === "unlimited" ? { ok: true, value: null } : read(text);
  return quantity(readRate, "200MB/s", description);
}

/** Milliseconds. */
export function duration(description: string, example: string, min: number, max: number) {
  return quantity(within(units.readDuration, min, max, units.formatDuration), example, description);
}

/** 0..100 */
export function percent(description: string, example: string) {
  return quantity(units.readPercent, example, description);
}

/** A share, 0..1, written as a percentage. */
export function share(description: string, example: string) {
  const read = (text: string): Reading<number> => {
    const reading = units.readPercent(text);
    return reading.ok ? { ok: true, value: reading.value / 100 } : reading;
  };
  return quantity(read, example, description);
}

/** A part of some whole: a share, 0..1, or a number of things. */
export type Portion = { readonly share: number } | { readonly count: number };

/** A part of something, written as a percentage or as a number. */
export function portion(description: string, example: string) {
  const readCount = within(
    (text) => units.readCount(text, example),
    0,
    MAX_COUNT,
    units.formatCount,
  );
  const read = (text: string): Reading<Portion> => {
    if (text.includes("%")) {
      const percentage = units.readPercent(text);
      return percentage.ok ? { ok: true, value: { share: percentage.value / 100 } } : percentage;
    }
    const number = readCount(text);
    return number.ok ? { ok: true, value: { count: number.value } } : number;
  };
  return quantity(read, example, description);
}

/** 0..1, of a whole that is not 0. */
export function shareOf(part: Portion, whole: number): number {
  return "share" in part ? part.share : part.count / whole;
}

export function ratio(description: string, example: string, min: number) {
  const read = (text: string): Reading<number> => {
    const reading = units.readRatio(text);
    if (!reading.ok || reading.value >= min) return reading;
    return {
      ok: false,
      problem: `${quote(text)} is too small`,
      hint: `write at least ${min}`,
    };
  };
  return quantity(read, example, description);
}

export function segment(description: string) {
  return quantity(units.readSegment, "0..1000M", description);
}

/** Base URL of an agent or of a check, without a slash at the end. */
export function httpUrl(description: string, example: string, base: boolean) {
  return z
    .string()
    .meta({ description, examples: [example], format: "uri" })
    .transform((text, context) => {
      const reading = readUrl(text, base);
      if (reading.ok) return reading.value;
      context.addIssue({
        code: "custom",
        message: reading.problem,
        params: { rule: "bad-url", hint: reading.hint },
      });
      return z.NEVER;
    });
}

function readUrl(text: string, base: boolean): Reading<string> {
  const hint = base
    ? "write a base URL such as http://10.1.0.11:7400"
    : "write a URL such as http://10.1.0.5/ok";
  const refuse = (why: string): Reading<string> => ({
    ok: false,
    problem: `${quote(text)} ${why}`,
    hint,
  });
  if (text.length > 2000 || !URL.canParse(text) || text !== text.trim()) return refuse("is no URL");
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return refuse("is not http or https");
  if (url.username !== "" || url.password !== "")
    return refuse("contains a user name or a password");
  if (!base) return { ok: true, value: text };
  if (url.search !== "" || url.hash !== "" || /[?#]/.test(text))
    return refuse("has a query or a fragment");
  return { ok: true, value: url.href.replace(/\/+$/, "") };
}
