import { wrap } from "../wrap.js";

const GAP = "  ";
/** The last column is not made narrower than this. */
const NARROWEST = 20;
/** Of the continued lines of a row that does not fit into columns. */
const INDENT = 6;

/** Rows as columns of equal width, the last one wrapped where they are too wide; as wrapped lines where that is not enough. */
export function columns(rows: readonly (readonly string[])[], width: number): string {
  const used = [...(rows[0] ?? []).keys()].filter(
    (i) => i === 0 || rows.some((row) => row[i] !== ""),
  );
  const cells = rows.map((row) => used.map((i) => row[i] ?? ""));
  const widths = used.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + GAP.length, 0);
  const room = Math.max(NARROWEST, width - before);
  if (before + Math.min(room, widths.at(-1)!) > width) return lines(cells, width);
  return cells
    .flatMap((row) => {
      const [first, ...more] = wrap(row.at(-1)!, room, 0);
      const start = row.slice(0, -1).map((cell, i) => cell.padEnd(widths[i]!));
      return [
        [...start, first!].join(GAP).trimEnd(),
        ...more.map((line) => " ".repeat(before) + line),
      ];
    })
    .join("\n");
}

/** Broken between cells where that helps. */
function lines(rows: readonly (readonly string[])[], width: number): string {
  return rows
    .flatMap(([first, ...rest]) => {
      const told = [first!];
      for (const cell of rest.filter((text) => text !== "")) {
        const line = `${told.at(-1)!}${GAP}${cell}`;
        if (line.length <= width) told[told.length - 1] = line;
        else told.push(...wrap(" ".repeat(INDENT) + cell, width, INDENT));
      }
      return told;
    })
    .join("\n");
}
