import type { Problem } from "./problem.js";
import { Source } from "./source.js";

/** Largest file that is read. A topology of 10,000 nodes has about 2 MiB. */
export const MAX_BYTES = 8 * 1024 * 1024;

export type Decoded =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly problem: Problem };

/** The text of a YAML file: UTF-8, with or without a byte order mark, without control characters. */
export function decode(file: string, bytes: Uint8Array): Decoded {
  const whole = new Source(file, "");
  const fail = (source: Source, at: number, message: string, hint: string): Decoded => ({
    ok: false,
    problem: source.problem("encoding", "error", { start: at, end: at + 1 }, message, hint),
  });
  if (bytes.length > MAX_BYTES) return { ok: false, problem: tooLarge(file, bytes.length) };

  const wide = wideEncoding(bytes);
  if (wide) {
    return fail(whole, 0, `the file is ${wide}, not UTF-8`, "save the file as UTF-8");
  }
  const body =
    bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
  const valid = validPrefix(body);
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body.subarray(0, valid));
  if (valid < body.length) {
    const value = body[valid]!.toString(16).padStart(2, "0");
    return fail(
      new Source(file, text + restOfLine(body, valid)),
      text.length,
      `byte 0x${value} is not UTF-8`,
      "save the file as UTF-8",
    );
  }
  const source = new Source(file, text);
  // oxlint-disable-next-line no-control-regex
  const control = /[\0-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f]/.exec(text);
  if (control) {
    const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return fail(source, control.index, `control character U+${code}`, "delete the character");
  }
  return { ok: true, source };
}

export function tooLarge(file: string, bytes: number): Problem {
  return new Source(file, "").problem(
    "too-large",
    "error",
    { start: 0, end: 1 },
    `the file has ${bytes} bytes; at most ${MAX_BYTES} are read`,
    "check that this is a topology, or split it",
  );
}

function wideEncoding(bytes: Uint8Array): string | null {
  const [a, b, c, d] = bytes;
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return "UTF-32";
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? "UTF-32" : "UTF-16";
  if (a === 0xfe && b === 0xff) return "UTF-16";
  // Without a mark: every other byte of Latin text is zero.
  if (a === 0 && b !== undefined && b !== 0 && c === 0) return "UTF-16";
  if (a !== undefined && a !== 0 && b === 0 && c !== 0 && d === 0) return "UTF-16";
  return null;
}

/** Length of the longest prefix that is UTF-8. */
function validPrefix(bytes: Uint8Array): number {
  if (isUtf8(bytes, bytes.length, false)) return bytes.length;
  let good = 0;
  let bad = bytes.length;
  while (good < bad) {
    const middle = (good + bad + 1) >>> 1;
    if (isUtf8(bytes, middle, true)) good = middle;
    else bad = middle - 1;
  }
  // A prefix may end inside a character that turns out to be broken: go back to its first byte.
  while (good > 0 && !isUtf8(bytes, good, false)) good -= 1;
  return good;
}

function isUtf8(bytes: Uint8Array, length: number, incomplete: boolean): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length), {
      stream: incomplete,
    });
    return true;
  } catch {
    return false;
  }
}

/** The rest of a line with broken bytes, for showing it. */
function restOfLine(bytes: Uint8Array, from: number): string {
  const end = bytes.indexOf(10, from);
  const rest = bytes.subarray(from, Math.min(end === -1 ? bytes.length : end, from + 200));
  return new TextDecoder("utf-8").decode(rest);
}
