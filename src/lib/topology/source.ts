import { shorten } from "./units.js";
import type { Path, Problem, Severity } from "./problem.js";

/** Longest piece of a source line that goes into a problem: a file may be one line of megabytes. */
const MAX_SOURCE = 400;

/** A text with a file name, which knows its lines. */
export class Source {
  readonly file: string;
  readonly text: string;
  #starts: number[] | null = null;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** A problem that marks the characters `[start, end)` of the text, as far as they are on one line. */
  problem(
    rule: string,
    severity: Severity,
    span: { readonly start: number; readonly end: number },
    message: string,
    hint: string,
    path: Path = [],
  ): Problem {
    const start = Math.max(0, Math.min(span.start, this.text.length));
    const line = this.#lineOf(start);
    const lineStart = this.#lines()[line]!;
    const lineEnd = this.#endOf(line);
    const column = start - lineStart;
    const endColumn = Math.max(column + 1, Math.min(span.end, lineEnd) - lineStart);
    const from = Math.max(0, lineEnd - lineStart > MAX_SOURCE ? column - MAX_SOURCE / 4 : 0);
    return {
      rule,
      severity,
      file: this.file,
      line: line + 1,
      column: column + 1,
      endColumn: endColumn + 1,
      path: path.map((step) => shorten(String(step))).join("."),
      message,
      hint,
      source: this.text.slice(lineStart + from, Math.min(lineEnd, lineStart + from + MAX_SOURCE)),
      sourceFrom: from + 1,
    };
  }

  #lines(): number[] {
    if (this.#starts) return this.#starts;
    const starts = [0];
    for (let i = this.text.indexOf("\n"); i !== -1; i = this.text.indexOf("\n", i + 1)) {
      starts.push(i + 1);
    }
    this.#starts = starts;
    return starts;
  }

  /** Index of the line that holds the character. */
  #lineOf(offset: number): number {
    const starts = this.#lines();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** One past the last character of a line, without its line break. */
  #endOf(line: number): number {
    const next = this.#lines()[line + 1];
    if (next === undefined) return this.text.length;
    return this.text[next - 2] === "\r" ? next - 2 : next - 1;
  }
}
