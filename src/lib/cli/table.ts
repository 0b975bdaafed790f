import CliTable from "cli-table3";

export interface TableOptions {
  /** Columns of numbers, from 0: set to the right. */
  right?: readonly number[];
  /** Characters a line; wider cells are wrapped, the widest column first. */
  width?: number;
}

const GAP = "  ";
/** A column is not made narrower than this, even when the line gets longer than asked for. */
const NARROWEST = 8;

/** Rows under a heading, without lines or colour: readable in a terminal, a log and a mail. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const right = new Set(options.right ?? []);
  const gaps = GAP.length * (head.length - 1);
  const widths = fit(naturalWidths([head, ...rows]), (options.width ?? 80) - gaps);
  const grid = new CliTable({
    head: [...head],
    colWidths: widths,
    colAligns: head.map((_, column) => (right.has(column) ? "right" : "left")),
    wordWrap: true,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
    chars: BORDERLESS,
  });
  grid.push(...rows.map((row) => [...row]));
  return grid
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const BORDERLESS = {
  ...Object.fromEntries(
    ["top", "bottom", "left", "mid", "right"].flatMap((side) => [
      [side, ""],
      [`${side}-mid`, ""],
      [`${side}-left`, ""],
      [`${side}-right`, ""],
    ]),
  ),
  middle: GAP,
};

function naturalWidths(lines: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const line of lines) {
    for (const [column, cell] of line.entries()) {
      const width = Math.max(1, ...cell.split("\n").map(columns));
      widths[column] = Math.max(widths[column] ?? 0, width);
    }
  }
  return widths;
}

/** Takes from the widest until the line fits. */
function fit(widths: number[], room: number): number[] {
  let excess = widths.reduce((sum, width) => sum + width, 0) - room;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) break;
    widths[widths.indexOf(widest)] = widest - 1;
    excess--;
  }
  return widths;
}

/** Terminal columns: East Asian wide characters take two. */
function columns(text: string): number {
  let width = 0;
  for (const char of text) width += WIDE.test(char) ? 2 : 1;
  return width;
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60\u3000-\u303f]/u;
