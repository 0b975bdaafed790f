import {
  Composer,
  type CST,
  type Document,
  type ErrorCode,
  Lexer,
  Parser,
  type YAMLError,
} from "yaml";
import { MAX_PER_RULE } from "./problem.js";
import type { ProblemList } from "./problem-list.js";
import type { Source } from "./source.js";
import { Tree } from "./yaml-tree.js";

/** Deepest nesting of collections; a topology needs about 15. The composer is recursive, so this is checked before it. */
const MAX_DEPTH = 64;
/**
 * Most pieces of syntax (a number, a colon, a line break...): 3,000 nodes and 100,000 segments, each on a line of its own, are
 * 800,000. Bounds memory to about 600 MB and time to about 3 s.
 */
const MAX_LEXEMES = 1_000_000;

/** Errors inside one scalar: the rest of the document means what it says, so checking goes on. */
const LOCAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["BAD_SCALAR_START", "BAD_DQ_ESCAPE"]);

const HINTS: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: "indent with spaces",
  BAD_SCALAR_START: "put the text in quotes",
  BAD_DQ_ESCAPE: "write the backslash twice, or use single quotes",
  BAD_INDENT: "check the indentation and the closing bracket",
  MISSING_CHAR: "close what was opened",
  BLOCK_AS_IMPLICIT_KEY: "check the indentation; put a text that contains ': ' in quotes",
  MULTILINE_IMPLICIT_KEY: "check the indentation, and that every key has its colon",
};

/** Options for `yaml`: duplicate keys are found in `Tree` (its own search takes quadratic time), merge keys are refused there. */
const YAML_OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: false,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: "silent",
} as const;

/**
 * Reads one YAML document, in bounded time and memory. Null if its structure cannot be made out; then, and for everything
 * else that is wrong with it as YAML, there are problems in the list.
 */
export function parseYaml(source: Source, problems: ProblemList): Tree | null {
  const tokens = tokenise(source, problems);
  if (!tokens) return null;
  const composer = new Composer(YAML_OPTIONS);
  const [document] = composer.compose(
    tokens,
    true,
    source.text.length,
  ) as Generator<Document.Parsed>;
  if (!document) return null;
  for (const error of document.errors) reportSyntax(source, problems, error);
  if (document.errors.some((error) => !LOCAL.has(error.code))) return null;
  if (document.contents === null || isBlank(source.text)) {
    problems.add(
      source.problem(
        "empty",
        "error",
        { start: 0, end: 1 },
        "the file holds no topology",
        "begin with `version: 1`; see the fixtures for an example",
      ),
    );
    return null;
  }
  return Tree.build(document, source, problems);
}

/** The concrete syntax of the one document of the text, or null. */
function tokenise(source: Source, problems: ProblemList): CST.Token[] | null {
  const refuse = (rule: string, start: number, message: string, hint: string) => {
    problems.add(source.problem(rule, "error", { start, end: start + 3 }, message, hint));
    return null;
  };
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let documents = 0;
  let directives = false;
  let lexemes = 0;
  let errors = 0;
  const take = (token: CST.Token) => {
    // One more than are told shows that there are more. A million would take a gigabyte.
    if (token.type === "error" && (errors += 1) > MAX_PER_RULE + 1) return true;
    tokens.push(token);
    if (token.type === "directive") {
      directives = true;
      refuse("directive", token.offset, "YAML directives are not supported", "delete the line");
    }
    if (token.type !== "document") return true;
    documents += 1;
    if (documents === 1) return true;
    refuse(
      "multiple-documents",
      token.offset,
      "a second document begins here",
      "keep one topology in a file: delete the `---`, or split the file",
    );
    return false;
  };
  for (const lexeme of new Lexer().lex(source.text)) {
    for (const token of parser.next(lexeme)) if (!take(token)) return null;
    lexemes += 1;
    if (parser.stack.length > MAX_DEPTH) {
      const message = `nested more than ${MAX_DEPTH} levels deep`;
      return refuse(
        "too-deep",
        parser.offset - lexeme.length,
        message,
        "check the brackets and the indentation",
      );
    }
    if (lexemes > MAX_LEXEMES) {
      const message = `more than ${MAX_LEXEMES.toLocaleString("en")} pieces of YAML syntax`;
      return refuse(
        "too-large",
        parser.offset - lexeme.length,
        message,
        "check that this is a topology; give shards fewer, larger segments, or use `sharding: consistent-hash`",
      );
    }
  }
  for (const token of parser.end()) if (!take(token)) return null;
  return directives ? null : tokens;
}

function reportSyntax(source: Source, problems: ProblemList, error: YAMLError): void {
  const [at, end] = error.pos;
  const isQuote = error.code === "MISSING_CHAR" && error.message.endsWith("quote");
  const start = isQuote ? quoteBefore(source.text, at) : at;
  const text = error.message.replace(/(["'])quote$/, "$1 quote");
  const message = text.charAt(0).toLowerCase() + text.slice(1);
  const hint = HINTS[error.code] ?? "check the YAML syntax here and on the line before";
  problems.add(source.problem("yaml-syntax", "error", { start, end }, message, hint));
}

/** Where the quoted scalar opens that ends, unclosed, at `end`. */
function quoteBefore(text: string, end: number): number {
  let at = 0;
  for (const lexeme of new Lexer().lex(text)) {
    // Marks of the lexer's own, such as the one before a plain scalar, are not in the text.
    if (!text.startsWith(lexeme, at)) continue;
    if (/^["']/.test(lexeme) && at + lexeme.length >= end) return at;
    at += lexeme.length;
  }
  return end;
}

/** Whether there is nothing but comments, marks and white space: YAML calls that a null. */
function isBlank(text: string): boolean {
  return /^(?:[ \t\r\n\ufeff]|#[^\n]*|---|\.\.\.)*$/.test(text);
}
