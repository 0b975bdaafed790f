import { POSITION_END, type Segment } from "../keyspace/segment.js";
import { ADJUSTED, type Adjusted, type Path } from "./problem.js";
import type { Layer, Policy } from "./types.js";
import { readSegment, shorten } from "./units.js";

/**
 * What can be made out of a topology even where parts of it are wrong: whatever has its place and its shape. The rules check
 * this, so that a mistake in one place hides no other. Everything knows its path in the file.
 */
export interface Draft {
  readonly regions: readonly Named[];
  readonly idcs: readonly DraftIdc[];
  readonly sets: readonly Named[];
  readonly nodes: readonly DraftNode[];
  readonly keyspaces: readonly DraftKeyspace[];
  readonly links: readonly DraftLink[];
  readonly overrides: readonly DraftOverride[];
  readonly spread: Policy["spread"];
  readonly regionsLost: number;
}

export interface Named {
  /** Cut where it is too long to be valid. */
  readonly id: string;
  readonly path: Path;
}

export interface DraftLink {
  readonly path: Path;
  readonly between: readonly Named[];
}

/** Another severity for the rule of this name. */
export interface DraftOverride extends Named {
  /** Null where it is none. */
  readonly severity: Adjusted | null;
}

export interface DraftIdc extends Named {
  readonly carriers: readonly Named[];
}

export interface DraftNode extends Named {
  readonly layer: Layer;
  readonly set: string;
  readonly region: string;
  readonly agent: string | null;
}

export interface DraftKeyspace extends Named {
  readonly sync: string | null;
  readonly ack: string | null;
  readonly sharding: string | null;
  readonly domain: Segment | null;
  /** Null where it is not given. */
  readonly virtualNodes: number | null;
  readonly shards: readonly DraftShard[];
  /** Every segment in the file could be read: only then is something missing really missing. */
  readonly complete: boolean;
}

export interface DraftShard extends Named {
  readonly segments: readonly DraftSegment[];
  readonly primary: Named | null;
  readonly replicas: readonly Named[];
}

export interface DraftSegment extends Segment {
  readonly shard: string;
  readonly path: Path;
}

const LAYERS: readonly Layer[] = ["access", "logic", "data"];

/** Reads any plain value; never throws. */
export function draftOf(root: unknown): Draft {
  const regions = entries(root, [], "regions");
  const idcs = regions.flatMap((region) => entries(region.value, region.path, "idcs"));
  const sets = regions.flatMap((region) =>
    entries(region.value, region.path, "idcs")
      .flatMap((idc) => entries(idc.value, idc.path, "sets"))
      .map((set) => ({ ...set, region: region.id })),
  );
  const policy = field(root, "policy");
  const spread = field(policy, "spread");
  const lost = field(policy, "regionsLost") ?? 1;
  return {
    regions,
    idcs: idcs.map((idc) => ({ ...idc, carriers: carriersOf(idc) })),
    sets,
    nodes: sets.flatMap((set) => LAYERS.flatMap((layer) => nodesOf(set, layer))),
    keyspaces: entries(root, [], "keyspaces").map(keyspaceOf),
    links: list(root, [], "links").map(({ value, path }) => ({
      path,
      between: names(value, path, "between"),
    })),
    overrides: entries(policy, ["policy"], "rules").map(({ id, path, value }) => ({
      id,
      path,
      severity: ADJUSTED.find((one) => one === field(value, "severity")) ?? null,
    })),
    spread: spread === "set" || spread === "node" ? spread : "region",
    regionsLost: typeof lost === "number" ? lost : 0,
  };
}

interface Entry extends Named {
  readonly value: unknown;
}

/** As a list, or as a map from the carrier to what its line carries. */
function carriersOf({ value, path }: Entry): Named[] {
  const map = entries(value, path, "carriers");
  return map.length > 0 ? map : names(value, path, "carriers");
}

function nodesOf(set: Entry & { readonly region: string }, layer: Layer): DraftNode[] {
  const nodes = entries(field(set.value, layer), [...set.path, layer], "nodes");
  return nodes.map(({ id, path, value }) => {
    const agent = field(value, "agent");
    return {
      id,
      path,
      layer,
      set: set.id,
      region: set.region,
      agent: typeof agent === "string" ? agent : null,
    };
  });
}

function keyspaceOf({ id, path, value }: Entry): DraftKeyspace {
  const shards = entries(value, path, "shards").map((shard) => {
    const listed = list(shard.value, shard.path, "segments");
    const segments = listed.flatMap((item) => {
      const segment = segmentOf(item.value);
      return segment ? [{ ...segment, shard: shard.id, path: item.path }] : [];
    });
    const primary = field(shard.value, "primary");
    return {
      id: shard.id,
      path: shard.path,
      segments,
      complete: segments.length === listed.length && segments.length > 0,
      primary:
        typeof primary === "string"
          ? { id: shorten(primary), path: [...shard.path, "primary"] }
          : null,
      replicas: names(shard.value, shard.path, "replicas"),
    };
  });
  const sharding = text(value, "sharding");
  const virtualNodes = field(value, "virtualNodes");
  return {
    id,
    path,
    sync: text(value, "sync"),
    ack: text(value, "ack"),
    sharding,
    virtualNodes: typeof virtualNodes === "number" ? virtualNodes : null,
    domain:
      sharding === "consistent-hash"
        ? { lo: 0n, hi: POSITION_END }
        : segmentOf(field(value, "domain")),
    shards,
    complete: shards.length > 0 && shards.every((shard) => shard.complete),
  };
}

function segmentOf(value: unknown): Segment | null {
  const reading = typeof value === "string" ? readSegment(value) : null;
  return reading?.ok ? reading.value : null;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function field(value: unknown, key: string): unknown {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function text(value: unknown, key: string): string | null {
  const found = field(value, key);
  return typeof found === "string" ? found : null;
}

function entries(parent: unknown, path: Path, key: string): Entry[] {
  const map = field(parent, key);
  if (!isMap(map)) return [];
  return Object.keys(map).map((name) => ({
    id: shorten(name),
    path: [...path, key, name],
    value: map[name],
  }));
}

function list(parent: unknown, path: Path, key: string): { value: unknown; path: Path }[] {
  const items = field(parent, key);
  if (!Array.isArray(items)) return [];
  return items.map((value: unknown, i) => ({ value, path: [...path, key, i] }));
}

/** The items of a list that are texts. */
function names(parent: unknown, path: Path, key: string): Named[] {
  return list(parent, path, key).flatMap((item) =>
    typeof item.value === "string" ? [{ id: shorten(item.value), path: item.path }] : [],
  );
}
