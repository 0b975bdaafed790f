import type { RouteTable } from "../../src/lib/routing/table.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";

/** Two shards over [0, 200): p0 at sh-1 with a reader in sz-1, p1 at tj-1. */
export const TABLE: RouteTable = {
  keyspace: "profile",
  sharding: "range",
  domain: { lo: 0n, hi: 200n },
  version: 7,
  settings: DEFAULT_SETTINGS,
  nodes: {
    "sh-1": { url: "http://127.0.0.1:1", region: "sh", set: "sh-a" },
    "sh-2": { url: "http://127.0.0.1:2", region: "sh", set: "sh-b" },
    "sz-1": { url: "http://127.0.0.1:3", region: "sz", set: "sz-a" },
    "tj-1": { url: "http://127.0.0.1:4", region: "tj", set: "tj-a" },
  },
  segments: [
    {
      lo: 0n,
      hi: 100n,
      shard: "p0",
      writer: "sh-1",
      generation: 3n,
      readers: [
        { node: "sh-1", weight: 100 },
        { node: "sz-1", weight: 100 },
      ],
    },
    {
      lo: 100n,
      hi: 200n,
      shard: "p1",
      writer: "tj-1",
      generation: 1n,
      readers: [{ node: "tj-1", weight: 100 }],
    },
  ],
};
