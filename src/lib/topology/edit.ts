import { isMap, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from "yaml";
import type { Segment } from "../keyspace/segment.js";
import { EXIT, OpsError } from "../errors.js";
import { type EditText, openForEdit, type Splice, type Target } from "./edit-text.js";
import type { Path } from "./problem.js";
import { formatSegment } from "./units.js";
import { type PlainMap, spanOf } from "./yaml-tree.js";

/** A shard to add. Without segments for a consistent-hash keyspace, whose ring gives them. */
export interface NewShard {
  readonly shard: string;
  readonly segments?: readonly Segment[];
  readonly primary: string;
  readonly replicas: readonly string[];
}

/*
 * Edits of the YAML as a person wrote it: only the characters that must change do, comments and order stay. All throw
 * OpsError `edit-refused` where the text is no YAML, names what does not exist, or reuses by alias what is to change.
 * The result is not checked against the rules: several edits may be needed before it is valid again.
 */

/** Adds shards after the last one of their keyspace, in the style of that one. */
export function addShards(text: string, keyspace: string, shards: readonly NewShard[]): string {
  const path = ["keyspaces", keyspace, "shards"];
  const edit = openForEdit(text);
  const { node } = edit.find(path);
  const last = isMap(node) ? node.items.at(-1) : undefined;
  if (!isMap(node) || !last) {
    throw refused(
      `keyspace ${keyspace} has no shards to add one to`,
      "write the first shard by hand",
    );
  }
  const taken = shards.find(({ shard }) => edit.exists([...path, shard]));
  if (taken) {
    throw refused(`keyspace ${keyspace} has a shard ${taken.shard} already`, "choose another name");
  }
  const pairs = shards.map(({ shard, segments, primary, replicas }): NewPair => {
    const fields: [string, string][] = [
      ["primary", primary],
      ["replicas", flow(replicas)],
    ];
    if (segments) fields.unshift(["segments", flow(segments.map(formatSegment))]);
    return { key: shard, fields };
  });
  const changes = shards.map(({ shard, segments, primary, replicas }) => {
    const value: PlainMap = { primary, replicas: [...replicas] };
    if (segments) value["segments"] = segments.map(formatSegment);
    return { path: [...path, shard], value };
  });
  return edit.apply([insertPairs(edit, node, last, pairs)], changes);
}

/** Replaces the segments of shards of a range keyspace. Segments that stay keep their lines and comments. */
export function setSegments(
  text: string,
  keyspace: string,
  shards: ReadonlyMap<string, readonly Segment[]>,
): string {
  const edit = openForEdit(text);
  const splices: Splice[] = [];
  const changes: { path: Path; value: unknown }[] = [];
  for (const [shard, segments] of shards) {
    const path = ["keyspaces", keyspace, "shards", shard, "segments"];
    const { node } = edit.find(path);
    if (!isSeq(node))
      throw refused(`segments of shard ${keyspace}/${shard} are no list`, "correct the file first");
    const texts = segments.map(formatSegment);
    splices.push(
      node.flow ? { ...spanOf(node), text: flow(texts) } : blockItems(edit, node, texts),
    );
    changes.push({ path, value: texts });
  }
  return edit.apply(splices, changes);
}

/** A shard and the replica that is to be its primary. */
export interface NewPrimary {
  readonly keyspace: string;
  readonly shard: string;
  readonly primary: string;
}

/** Lets replicas and primaries of shards change places. */
export function swapPrimaries(text: string, swaps: readonly NewPrimary[]): string {
  const edit = openForEdit(text);
  const splices: Splice[] = [];
  const changes: { path: Path; value: unknown }[] = [];
  for (const { keyspace, shard, primary } of swaps) {
    const path = ["keyspaces", keyspace, "shards", shard];
    const old = edit.find([...path, "primary"]).node;
    const { node: list } = edit.find([...path, "replicas"]);
    const at = isSeq(list)
      ? list.items.findIndex((item) => edit.plain(item as Node) === primary)
      : -1;
    if (at === -1)
      throw refused(`${primary} is no replica of shard ${keyspace}/${shard}`, "check the names");
    const replica = edit.find([...path, "replicas", at]).node;
    const before = String(edit.plain(old));
    splices.push({ ...spanOf(old), text: primary }, { ...spanOf(replica), text: before });
    changes.push(
      { path: [...path, "primary"], value: primary },
      { path: [...path, "replicas", at], value: before },
    );
  }
  return edit.apply(splices, changes);
}

/** Gives nodes other agents: node name -> base URL. */
export function setAgentUrls(text: string, urls: Readonly<Record<string, string>>): string {
  const edit = openForEdit(text);
  const places = nodePaths(edit.value);
  const splices: Splice[] = [];
  const changes: { path: Path; value: unknown }[] = [];
  for (const [node, url] of Object.entries(urls)) {
    const path = places.get(node);
    if (!path) throw refused(`there is no node ${node}`, "name a node of the topology");
    const agent = [...path, "agent"];
    if (edit.exists(agent)) {
      splices.push({ ...spanOf(edit.find(agent).node), text: JSON.stringify(url) });
    } else {
      splices.push(insertFirst(edit, edit.find(path), "agent", JSON.stringify(url)));
    }
    changes.push({ path: agent, value: url });
  }
  return edit.apply(splices, changes);
}

interface NewPair {
  readonly key: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** Pairs with fields, after the last pair of a map. */
function insertPairs(edit: EditText, map: YAMLMap, last: Pair, pairs: readonly NewPair[]): Splice {
  const inline = ({ key, fields }: NewPair): string =>
    `${key}: { ${fields.map(([name, value]) => `${name}: ${value}`).join(", ")} }`;
  const lastValue = last.value as Node | null;
  if (map.flow) {
    const end = spanOf(lastValue ?? (last.key as Node)).end;
    return { start: end, end, text: pairs.map((pair) => `, ${inline(pair)}`).join("") };
  }
  const pad = " ".repeat(edit.column(spanOf(last.key as Node).start));
  const at = edit.endOfContent(lastValue ?? (last.key as Node));
  const block = isMap(lastValue) && !lastValue.flow ? lastValue : null;
  const inner = block === null ? "" : " ".repeat(edit.column(spanOf(block).start));
  const lines = pairs.flatMap((pair) =>
    block === null
      ? [`${pad}${inline(pair)}`]
      : [`${pad}${pair.key}:`, ...pair.fields.map(([name, value]) => `${inner}${name}: ${value}`)],
  );
  return { start: at, end: at, text: lines.map((line) => edit.newline + line).join("") };
}

/** A pair before the others of a map that has some. */
function insertFirst(edit: EditText, { node }: Target, key: string, value: string): Splice {
  const first = isMap(node) ? node.items[0] : undefined;
  if (!isMap(node) || !first) throw refused("the node is empty", "give it a capacity first");
  const { start } = spanOf(first.key as Node);
  const glue = node.flow ? ", " : `${edit.newline}${" ".repeat(edit.column(start))}`;
  return { start, end: start, text: `${key}: ${value}${glue}` };
}

/** The items of a block list, one a line; those that stay keep their lines, with the comments above them. */
function blockItems(edit: EditText, list: YAMLSeq, texts: readonly string[]): Splice {
  const { start: dash } = spanOf(list);
  const pad = " ".repeat(edit.column(dash));
  const start = dash - pad.length;
  const items = list.items as Node[];
  const lines = new Map<string, string>();
  let from = start;
  for (const item of items) {
    const end = edit.endOfContent(item);
    lines.set(String(edit.plain(item)), edit.text.slice(from, end));
    from = end + edit.newline.length;
  }
  const text = texts
    .map((segment) => lines.get(segment) ?? `${pad}- ${segment}`)
    .join(edit.newline);
  return { start, end: edit.endOfContent(items.at(-1) ?? list), text };
}

function flow(texts: readonly string[]): string {
  return `[${texts.join(", ")}]`;
}

/** Where each node is. */
function nodePaths(root: unknown): Map<string, Path> {
  const paths = new Map<string, Path>();
  const descend = (value: unknown, path: Path, keys: readonly (string | null)[]): void => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    const [key, ...rest] = keys;
    if (key === undefined) paths.set(String(path.at(-1)), path);
    else {
      for (const name of key === null ? Object.keys(value) : [key]) {
        descend((value as PlainMap)[name], [...path, name], rest);
      }
    }
  };
  for (const layer of ["access", "logic", "data"]) {
    descend(root, [], ["regions", null, "idcs", null, "sets", null, layer, "nodes", null]);
  }
  return paths;
}

function refused(message: string, hint: string): OpsError {
  return new OpsError("edit-refused", EXIT.refused, message, { hint });
}
