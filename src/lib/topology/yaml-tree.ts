import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import type { Path } from "./problem.js";
import type { ProblemList } from "./problem-list.js";
import type { Source } from "./source.js";
import { quote } from "../quote.js";

/** Most values that aliases may stand for, in total. */
const MAX_ALIASED = 20_000;
const MAX_DEPTH = 64;

/** Maps of the tree: no prototype, so that no key of the file meets one. */
export type PlainMap = { [key: string]: unknown };

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * A YAML document as plain values that remember where they stand. Numbers that are no safe integer are their own text, so
 * nothing is rounded. Aliases are resolved, within bounds.
 */
export class Tree {
  readonly value: unknown;
  readonly #root: Node;
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #pairs = new WeakMap<YAMLMap, Map<string, Pair>>();

  private constructor(value: unknown, root: Node, targets: ReadonlyMap<Alias, Node>) {
    this.value = value;
    this.#root = root;
    this.#targets = targets;
  }

  /** Null if the document cannot be a tree; problems go to the list. */
  static build(document: Document.Parsed, source: Source, problems: ProblemList): Tree | null {
    const builder = new Builder(source, problems);
    const root = document.contents;
    if (root === null) return null;
    const value = builder.read(root, []);
    return builder.broken ? null : new Tree(value, root, builder.targets);
  }

  /** Where a path stands in the text; if there is nothing, where its nearest ancestor stands. */
  span(path: Path, at: "key" | "value"): Span {
    let node: Node = this.#resolve(this.#root);
    let key: Node | null = null;
    for (const [depth, step] of path.entries()) {
      const next = this.#child(node, step);
      if (!next) {
        return spanOf(key && depth < path.length ? key : node);
      }
      key = next.key ?? next.value;
      if (!next.value) return spanOf(key ?? node);
      node = depth === path.length - 1 ? next.value : this.#resolve(next.value);
    }
    return spanOf(at === "key" && key ? key : node);
  }

  /** The node behind a path, or null; `aliased` says whether an alias was followed on the way. */
  find(
    path: Path,
  ): { readonly node: Node; readonly pair: Pair | null; readonly aliased: boolean } | null {
    let node: Node = this.#root;
    let pair: Pair | null = null;
    let aliased = isAlias(node);
    for (const step of path) {
      const next = this.#child(this.#resolve(node), step);
      if (!next?.value) return null;
      node = next.value;
      pair = next.pair;
      aliased ||= isAlias(node);
    }
    return { node, pair, aliased };
  }

  #resolve(node: Node): Node {
    return isAlias(node) ? (this.#targets.get(node) ?? node) : node;
  }

  #child(
    node: Node,
    step: string | number,
  ): { key: Node | null; value: Node | null; pair: Pair | null } | null {
    if (isSeq(node)) {
      const item = node.items[Number(step)] as Node | undefined;
      return item ? { key: null, value: item, pair: null } : null;
    }
    if (!isMap(node)) return null;
    let pairs = this.#pairs.get(node);
    if (!pairs) {
      pairs = new Map();
      for (const pair of node.items) {
        if (isScalar(pair.key) && !pairs.has(String(pair.key.value)))
          pairs.set(String(pair.key.value), pair);
      }
      this.#pairs.set(node, pairs);
    }
    const pair = pairs.get(String(step));
    return pair ? { key: pair.key as Node, value: pair.value as Node | null, pair } : null;
  }
}

class Builder {
  readonly targets = new Map<Alias, Node>();
  broken = false;
  readonly #source: Source;
  readonly #problems: ProblemList;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #aliased = 0;
  #aliasDepth = 0;

  constructor(source: Source, problems: ProblemList) {
    this.#source = source;
    this.#problems = problems;
  }

  read(node: Node | null, path: Path): unknown {
    if (this.broken || node === null) return null;
    if (isAlias(node)) return this.#readAlias(node, path);
    if (node.tag !== undefined && node.tag !== "!") {
      this.#report(
        "yaml-tag",
        node,
        path,
        `tag ${quote(node.tag)} is not supported`,
        "delete the tag",
      );
    }
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(anchor, node);
    if (this.#aliasDepth > 0) {
      this.#aliased += 1;
      if (this.#aliased > MAX_ALIASED || path.length > MAX_DEPTH) {
        const message = `aliases stand for more than ${MAX_ALIASED} values, or ${MAX_DEPTH} levels`;
        return this.#refuse("alias-limit", node, path, message, "write the values out");
      }
    }
    if (isScalar(node)) return scalarValue(node.value, node.source);
    this.#open.add(node);
    const value = isMap(node) ? this.#readMap(node, path) : this.#readList(node, path);
    this.#open.delete(node);
    return value;
  }

  #readList(node: Node, path: Path): unknown[] {
    return isSeq(node) ? node.items.map((item, i) => this.read(item as Node, [...path, i])) : [];
  }

  #readMap(node: YAMLMap, path: Path): PlainMap {
    const out = Object.create(null) as PlainMap;
    const first = new Map<string, Node>();
    for (const pair of node.items) {
      const key = pair.key as Node | null;
      const name = this.#keyName(key ?? node, path, isScalar(key) ? key.value : undefined);
      if (name === null) continue;
      const before = first.get(name);
      if (before) {
        const { line } = this.#source.problem("", "error", spanOf(before), "", "");
        const message = `key ${quote(name)} is given twice; it stands first on line ${line}`;
        this.#report(
          "duplicate-key",
          key!,
          [...path, name],
          message,
          "delete or rename one of the two",
        );
        continue;
      }
      first.set(name, key!);
      out[name] = this.read(pair.value as Node | null, [...path, name]);
    }
    return out;
  }

  /** The text of a key, or null after reporting why it cannot be one. */
  #keyName(key: Node, path: Path, name: unknown): string | null {
    if (typeof name !== "string") {
      const { start, end } = spanOf(key);
      const text = quote(this.#source.text.slice(start, end));
      this.#report(
        "key-not-text",
        key,
        path,
        `key ${text} is not a text`,
        "keys are names: put it in quotes if it is one",
      );
      return null;
    }
    if (name === "<<") {
      this.#report(
        "merge-key",
        key,
        path,
        "merge keys (<<) are not part of YAML 1.2",
        "write the keys out, or use an alias for a whole value",
      );
      return null;
    }
    if (name === "__proto__") {
      this.#report("unknown-field", key, path, 'key "__proto__" is not allowed', "delete the key");
      return null;
    }
    return name;
  }

  #readAlias(alias: Alias, path: Path): unknown {
    const target = this.#anchors.get(alias.source);
    if (!target) {
      this.#report(
        "unknown-alias",
        alias,
        path,
        `alias ${quote(alias.source)} has no anchor before it`,
        `define &${alias.source} first, or put the text in quotes`,
      );
      return null;
    }
    if (this.#open.has(target)) {
      return this.#refuse(
        "alias-limit",
        alias,
        path,
        `alias ${quote(alias.source)} contains itself`,
        "write the values out",
      );
    }
    this.targets.set(alias, target);
    this.#aliasDepth += 1;
    const value = this.read(target, path);
    this.#aliasDepth -= 1;
    return value;
  }

  #report(rule: string, node: Node, path: Path, message: string, hint: string): void {
    if (!this.#problems.wants(rule)) return;
    this.#problems.add(this.#source.problem(rule, "error", spanOf(node), message, hint, path));
  }

  #refuse(rule: string, node: Node, path: Path, message: string, hint: string): null {
    this.#report(rule, node, path, message, hint);
    this.broken = true;
    return null;
  }
}

function scalarValue(value: unknown, source: string | undefined): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return source ?? String(value);
}

/** The characters of a node without the comments and white space after it. */
export function spanOf(node: Node): Span {
  const [start, end] = node.range ?? [0, 0];
  return { start, end };
}
