import { isCollection, isMap, isScalar, type Node } from "yaml";
import { EXIT, OpsError } from "../errors.js";
import { decode } from "./decode.js";
import { parseYaml } from "./parse-yaml.js";
import type { Path } from "./problem.js";
import { ProblemList } from "./problem-list.js";
import { renderProblems } from "./render-problems.js";
import { quote } from "../quote.js";
import { type PlainMap, spanOf, type Tree } from "./yaml-tree.js";

/** Replaces the characters `[start, end)`. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Target {
  readonly node: Node;
}

/** A YAML text that is being changed in places. */
export interface EditText {
  /** Without a byte order mark. */
  readonly text: string;
  readonly value: unknown;
  readonly newline: string;
  exists(path: Path): boolean;
  /** Throws OpsError `edit-refused` if there is nothing, or if it is written elsewhere and reused by alias. */
  find(path: Path): Target;
  /** The value of a scalar. */
  plain(node: Node): unknown;
  /** Columns before a character, from 0. */
  column(offset: number): number;
  /** End of the line on which a node ends, with the comment there. */
  endOfContent(node: Node): number;
  /** The text with the splices, after making sure that just the named values changed. */
  apply(splices: readonly Splice[], changes: readonly { path: Path; value: unknown }[]): string;
}

export function openForEdit(given: string): EditText {
  const mark = given.startsWith("\ufeff") ? "\ufeff" : "";
  const text = given.slice(mark.length);
  const tree = readTree(text, "topology");
  const find = (path: Path): Target => {
    const found = tree.find(path);
    if (!found) throw refused(`there is no ${path.join(".")}`, "check the names");
    if (found.aliased) {
      throw refused(`${path.join(".")} is an alias`, "write the value out, then try again");
    }
    return { node: found.node };
  };
  return {
    text,
    value: tree.value,
    newline: text.includes("\r\n") ? "\r\n" : "\n",
    exists: (path) => tree.find(path) !== null,
    find,
    plain: (node) => (isScalar(node) ? node.value : null),
    column: (offset) => offset - (text.lastIndexOf("\n", offset - 1) + 1),
    endOfContent: (node) => endOfLine(text, contentEnd(node)),
    apply: (splices, changes) => {
      const edited = splice(text, splices);
      const expected = structuredClone(tree.value);
      for (const { path, value } of changes) setPlain(expected, path, value);
      if (canonical(readTree(edited, "the edited topology").value) !== canonical(expected)) {
        throw refused(
          `changing ${changes.map(({ path }) => path.join(".")).join(", ")} in place would change more than that`,
          "write the value out in block style, without anchors, then try again",
        );
      }
      return mark + edited;
    },
  };
}

function readTree(text: string, name: string): Tree {
  const problems = new ProblemList();
  const decoded = decode(name, new TextEncoder().encode(text));
  if (!decoded.ok) throw invalid(name, renderProblems([decoded.problem]));
  const tree = parseYaml(decoded.source, problems);
  if (!tree || problems.hasErrors) throw invalid(name, renderProblems(problems.sorted()));
  return tree;
}

/** The last character of what a node holds; the range of a block map reaches over the comments after it. */
function contentEnd(node: Node): number {
  if (!isCollection(node) || node.flow) return spanOf(node).end;
  const last = node.items.at(-1);
  if (last === undefined) return spanOf(node).end;
  if (!isMap(node)) return contentEnd(last as Node);
  const { key, value } = last as { key: Node; value: Node | null };
  // An empty value is where its key's colon ends.
  return value && spanOf(value).end > spanOf(value).start
    ? contentEnd(value)
    : spanOf(value ?? key).end;
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  if (end === -1) return text.length;
  return text[end - 1] === "\r" ? end - 1 : end;
}

function splice(text: string, splices: readonly Splice[]): string {
  let out = text;
  for (const { start, end, text: put } of splices.toSorted((a, b) => b.start - a.start)) {
    out = out.slice(0, start) + put + out.slice(end);
  }
  return out;
}

function setPlain(root: unknown, path: Path, value: unknown): void {
  let parent = root as PlainMap;
  for (const step of path.slice(0, -1)) parent = parent[step] as PlainMap;
  parent[String(path.at(-1))] = value;
}

/** JSON with sorted keys: two trees are equal exactly if these are. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => {
    if (typeof field !== "object" || field === null || Array.isArray(field)) return field;
    return Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function invalid(name: string, problems: string): OpsError {
  return new OpsError("edit-refused", EXIT.refused, `${name} is no valid YAML\n\n${problems}`, {
    hint: `correct ${quote(name)} first`,
  });
}

function refused(message: string, hint: string): OpsError {
  return new OpsError("edit-refused", EXIT.refused, message, { hint });
}
