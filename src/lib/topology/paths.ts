import type { Path } from "./problem.js";
import type { Idc, Node, SetSpec } from "./types.js";

/** Where the things of a topology stand in its file. */

export function regionPath(region: string): Path {
  return ["regions", region];
}

export function idcPath({ region, id }: Idc): Path {
  return [...regionPath(region), "idcs", id];
}

export function setPath({ region, idc, id }: SetSpec): Path {
  return [...regionPath(region), "idcs", idc, "sets", id];
}

export function nodePath({ region, idc, set, layer, id }: Node): Path {
  return [...regionPath(region), "idcs", idc, "sets", set, layer, "nodes", id];
}

export function shardPath(keyspace: string, shard: string): Path {
  return ["keyspaces", keyspace, "shards", shard];
}
