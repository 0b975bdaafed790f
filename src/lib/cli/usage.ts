import { stripVTControlCharacters } from "node:util";

/** What oclif throws for a command line that it cannot make sense of. */
export interface ParseError {
  readonly message: string;
  /** Arguments that are missing, or words that are too many. */
  readonly args?: readonly (string | { readonly name: string; readonly description?: string })[];
}

/** How oclif puts it, and how it is put here. */
const SAID: readonly (readonly [RegExp, string])[] = [
  [/^Missing required flag (\S+)$/, "--$1 is missing"],
  [/^(--[\w-]+)(?:=\S*)? cannot also be provided when using (--[\w-]+)$/, "$1 excludes $2"],
  [/^Flag (--[\w-]+) expects a value$/, "$1 takes a value"],
  [/^Nonexistent flags?: (.+)$/, "there is no flag $1"],
  [/^Expected (--[\w-]+)=(.*) to be one of: (.+)$/, "$1: $2 is none of $3"],
  [/^Expected (.*) but received: (.*)$/, "expected $1, not $2"],
];

/** What is wrong with a command line, one clause for each mistake. */
export function usageMessage({ message, args = [] }: ParseError): string {
  if (args.length > 0) return args.map(aboutArgument).join("; ");
  return stripVTControlCharacters(message)
    .replace(/\n+See more help with --help\s*$/, "")
    .replace(/^The following errors? occurred:\s*/, "")
    .split("\n")
    .reduce((text, line) => {
      // `Parsing --users`, and on the next line what is wrong with it.
      const flag = /^Parsing (--[\w-]+)\s*$/.exec(line)?.[1];
      if (flag !== undefined) return `${text}${flag}: `;
      const clause = said(line.trim());
      return text === "" || text.endsWith(": ") ? `${text}${clause}` : `${text}; ${clause}`;
    }, "");
}

function said(line: string): string {
  const known = SAID.find(([pattern]) => pattern.test(line));
  return known === undefined ? line : line.replace(...known);
}

function aboutArgument(arg: NonNullable<ParseError["args"]>[number]): string {
  if (typeof arg === "string") return `${JSON.stringify(arg)} is too much`;
  const { name, description } = arg;
  return `${name.toUpperCase()} is missing${description === undefined ? "" : `: ${description}`}`;
}
