/** Never broken over two lines: a segment, a figure with its unit, a command about a run, a word. */
const UNBROKEN = new RegExp(
  [
    /\[\d+, \d+\)\S*/,
    /\(?[\d.,]+ (?:%|[KMGTPE]?i?B)(?:[^\w\s]\S*|(?=\s|$))/,
    /ops(?: [a-z]+)+ r-\d+-\S+/,
    /\S+/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

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

/** The same for a text of several lines, each continued two further in than it begins. */
export function wrapped(text: string, width: number): string {
  return text
    .split("\n")
    .flatMap((line) => wrap(line, width, /^ */.exec(line)![0].length + 2))
    .join("\n");
}
